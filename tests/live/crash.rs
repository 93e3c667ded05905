//! The server ends, in good order or not: what was acknowledged is there, once and in order.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::support::{Server, Socket, Visit, new_id, sequences, submit, texts};

/// Messages that one writer tries to get through.
const MESSAGES: usize = 40;

/// One visitor who writes numbered messages as fast as acknowledgements come, a few ahead.
struct Writer {
    visit: Visit,
    /// Id and text, in the order of writing.
    messages: Vec<(String, String)>,
    acknowledged: HashMap<String, u64>,
}

impl Writer {
    async fn new(server: &Server) -> Self {
        let messages = (0..MESSAGES).map(|number| (new_id(), format!("message {number}"))).collect();
        Self { visit: server.visit().await, messages, acknowledged: HashMap::new() }
    }

    /// Writes what is not acknowledged yet until all is, or the connection ends, or `enough` are.
    async fn write(&mut self, server: &Server, enough: usize) -> Option<Socket> {
        let mut socket = server.connect(&self.visit).await;
        socket.follow(&self.visit.conversation, 0).await;
        while self.acknowledged.len() < enough {
            let mut after: Option<String> = None;
            let ahead: Vec<_> = self.unacknowledged().take(8).cloned().collect();
            for (id, text) in &ahead {
                let mut frame = submit(&self.visit.conversation, id, text);
                frame["submit"]["after"] = after.into();
                if !socket.try_send(frame).await {
                    return None;
                }
                after = Some(id.clone());
            }
            let mut answers = 0;
            while answers < ahead.len() {
                answers += usize::from(self.take(&socket.next().await?).await);
            }
        }
        Some(socket)
    }

    /// Whether `frame` answers a submission. What is refused for now is written again after a while.
    async fn take(&mut self, frame: &Value) -> bool {
        if let Some(acknowledged) = frame.get("acknowledged") {
            let id = acknowledged["id"].as_str().unwrap().to_owned();
            let sequence = acknowledged["sequence"].as_u64().unwrap();
            let before = self.acknowledged.insert(id, sequence);
            assert!(before.is_none_or(|before| before == sequence), "acknowledged again as another entry");
            return true;
        }
        let Some(refused) = frame.get("refused") else { return false };
        let wait_ms = refused["problem"]["retryAfterMs"].as_u64().expect("refused for now only");
        tokio::time::sleep(std::time::Duration::from_millis(wait_ms.min(1_100))).await;
        true
    }

    fn unacknowledged(&self) -> impl Iterator<Item = &(String, String)> {
        self.messages.iter().filter(|(id, _)| !self.acknowledged.contains_key(id))
    }

    /// The whole log, as a fresh connection is told it.
    async fn log(&self, server: &Server) -> Vec<Value> {
        let mut socket = server.connect(&self.visit).await;
        let head = socket.follow(&self.visit.conversation, 0).await["head"].as_u64().unwrap();
        if head == 0 { Vec::new() } else { socket.entries_until(head).await }
    }

    /// Nothing acknowledged is missing or elsewhere, nothing is there twice, and the order is that of writing.
    fn check(&self, log: &[Value]) {
        assert_eq!(sequences(log), (1..=log.len() as u64).collect::<Vec<_>>());
        for (id, sequence) in &self.acknowledged {
            let index = usize::try_from(*sequence).unwrap() - 1;
            assert_eq!(
                log.get(index).map(|entry| &entry["id"]),
                Some(&json!(id)),
                "acknowledged as {sequence}"
            );
        }
        let written: Vec<&str> = self.messages.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts(log), written[..texts(log).len()]);
    }
}

#[tokio::test]
async fn kill_dash_nine_under_load_loses_doubles_and_reorders_nothing_acknowledged() {
    let mut server = Server::start().await;
    let mut writers = Vec::new();
    for _ in 0..6 {
        writers.push(Writer::new(&server).await);
    }
    for round in 1..=3_usize {
        // Each is killed with some on the wire: when the first has had this many acknowledged.
        let enough = round * 5;
        let (first, others) = writers.split_first_mut().unwrap();
        let server_now = &server;
        let others = others.iter_mut().map(|writer| writer.write(server_now, MESSAGES));
        tokio::select! {
            socket = first.write(server_now, enough) => drop(socket.expect("connected until killed")),
            _ = futures_util::future::join_all(others) => {}
        }
        server.kill();
        server.start_again().await;
        for writer in &writers {
            writer.check(&writer.log(&server).await);
        }
    }
    let server = &server;
    let rest = writers.iter_mut().map(|writer| writer.write(server, MESSAGES));
    assert!(futures_util::future::join_all(rest).await.iter().all(Option::is_some));
    for writer in &writers {
        let log = writer.log(server).await;
        writer.check(&log);
        assert_eq!(texts(&log).len(), MESSAGES);
    }
}

#[tokio::test]
async fn a_server_asked_to_end_answers_what_it_took_says_goodbye_and_loses_nothing() {
    let mut server = Server::start().await;
    let (visit, mut socket) = server.visitor().await;
    let (_, mut idle) = server.visitor().await;
    let ids: Vec<String> = (0..12).map(|_| new_id()).collect();
    for id in &ids {
        socket.send(submit(&visit.conversation, id, id)).await;
    }
    server.stop().await;
    let mut acknowledged = Vec::new();
    let mut goodbye = None;
    while let Some(frame) = socket.next().await {
        if let Some(found) = frame.get("acknowledged") {
            acknowledged.push(found["id"].clone());
        } else if let Some(found) = frame.get("refused") {
            assert!(found["problem"]["retryAfterMs"].is_u64(), "only for now");
        }
        goodbye = frame.get("goodbye").cloned().or(goodbye);
    }
    let goodbye = goodbye.expect("a goodbye before the end");
    assert_eq!(goodbye["reason"], json!("shutting-down"));
    assert_eq!(idle.expect("goodbye").await["reason"], json!("shutting-down"));
    server.start_again().await;
    let mut again = server.connect(&visit).await;
    let head = again.follow(&visit.conversation, 0).await["head"].as_u64().unwrap();
    let stored = if head == 0 { Vec::new() } else { again.entries_until(head).await };
    let stored: Vec<_> = stored.iter().map(|entry| entry["id"].clone()).collect();
    assert_eq!(stored[..acknowledged.len()], acknowledged);
    let expected: Vec<_> = ids.iter().map(|id| json!(id)).collect();
    assert_eq!(stored, expected[..stored.len()]);
}
