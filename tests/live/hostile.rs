//! What nobody should send, and what they are told.

use std::time::Duration;

use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::support::{BRAND, SOON, Server, Socket, new_id, sequences, soon, submit};

/// The code of the next problem.
async fn problem(socket: &mut Socket) -> String {
    let problem = socket.expect("problem").await;
    problem["type"].as_str().unwrap().strip_prefix("/problems/").unwrap().to_owned()
}

#[tokio::test]
async fn frames_that_mean_nothing_are_named_and_the_connection_goes_on() {
    let server = Server::start().await;
    let (visit, mut socket) = server.visitor().await;
    for (text, code) in [
        ("", "malformed"),
        ("{", "malformed"),
        ("[]", "malformed"),
        ("{}", "malformed"),
        (r#"{"ping":{"nonce":-1}}"#, "malformed"),
        (r#"{"ping":{"nonce":1},"hello":{"version":1,"ticket":""}}"#, "malformed"),
        (r#"{"teleport":{}}"#, "unknown-frame"),
        (r#"{"watchInbox":{"view":"all"}}"#, "not-allowed"),
    ] {
        socket.send_message(Message::text(text)).await;
        assert_eq!(problem(&mut socket).await, code, "{text}");
    }
    socket.send_message(Message::binary(vec![1, 2, 3])).await;
    assert_eq!(problem(&mut socket).await, "invalid");
    assert_eq!(socket.say(&visit.conversation, "still here").await, 1);
}

#[tokio::test]
async fn nothing_but_nonsense_ends_the_connection() {
    let server = Server::start().await;
    let (_, mut socket) = server.visitor().await;
    for _ in 0..10 {
        socket.send_message(Message::text("nonsense")).await;
    }
    for _ in 0..10 {
        assert_eq!(problem(&mut socket).await, "malformed");
    }
    assert_eq!(u16::from(socket.closed().await.unwrap().code), 1000);
}

#[tokio::test]
async fn nothing_may_come_before_hello_and_hello_must_speak_this_version() {
    let server = Server::start().await;
    let visit = server.visit().await;
    let mut early = Socket::open(&server).await;
    early.send(submit(&visit.conversation, &new_id(), "hello?")).await;
    assert_eq!(problem(&mut early).await, "hello-first");
    early.closed().await;
    let mut modern = Socket::open(&server).await;
    modern.send(json!({ "hello": { "version": 2, "ticket": visit.ticket } })).await;
    assert_eq!(problem(&mut modern).await, "unsupported-version");
    modern.closed().await;
    // The ticket was not spent by that.
    Socket::welcome(&server, &visit.ticket).await;
}

#[tokio::test]
async fn what_follows_a_message_that_never_came_waits_for_it() {
    let server = Server::start().await;
    let (visit, mut socket) = server.visitor().await;
    let (first, second) = (new_id(), new_id());
    let mut overtaking = submit(&visit.conversation, &second, "second");
    overtaking["submit"]["after"] = json!(first);
    socket.send(overtaking.clone()).await;
    let refused = socket.expect("refused").await["problem"].take();
    assert_eq!(refused["type"], json!("/problems/out-of-turn"));
    assert!(refused["retryAfterMs"].is_u64(), "only for now");
    socket.send(submit(&visit.conversation, &first, "first")).await;
    socket.send(overtaking).await;
    assert_eq!(socket.acknowledged(&first).await, 1);
    assert_eq!(socket.acknowledged(&second).await, 2);
}

/// One says nothing, one drips its hello a byte at a time: both hold a socket and are nobody.
#[tokio::test]
async fn sockets_that_never_finish_their_hello_are_let_go_while_others_are_served() {
    let server = Server::start().await;
    let visit = server.visit().await;
    let mut silent = Socket::open(&server).await;
    let mut dripping = TcpStream::connect(server.address).await.unwrap();
    let upgrade = format!(
        "GET /ws HTTP/1.1\r\nhost: localhost\r\norigin: {}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        server.origin()
    );
    dripping.write_all(upgrade.as_bytes()).await.unwrap();
    let (mut from_server, mut to_server) = dripping.into_split();
    let drip = async {
        // A masked text frame of a hundred bytes, of which one comes every half second.
        let mut beat = tokio::time::interval(Duration::from_millis(500));
        for byte in [0x81, 0x80 | 100].into_iter().chain(std::iter::repeat(b' ')) {
            beat.tick().await;
            if to_server.write_all(&[byte]).await.is_err() {
                return;
            }
        }
    };
    let mut told = Vec::new();
    tokio::select! {
        () = drip => {}
        end = soon(from_server.read_to_end(&mut told)) => drop(end),
    }
    assert!(String::from_utf8_lossy(&told).contains(r#""reason":"silent""#), "let go with the reason");
    assert_eq!(silent.expect("goodbye").await["reason"], json!("silent"));
    Socket::welcome(&server, &server.ticket(&visit).await).await;
}

#[tokio::test]
async fn forged_and_replayed_tickets_admit_nobody() {
    let server = Server::start().await;
    let visit = server.visit().await;
    let _first = Socket::welcome(&server, &visit.ticket).await;
    let mut forged = visit.ticket.clone().into_bytes();
    forged[5] = if forged[5] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    for (ticket, code) in
        [(visit.ticket.as_str(), "ticket-spent"), (&forged, "ticket-unknown"), ("", "ticket-unknown")]
    {
        let mut socket = Socket::open(&server).await;
        socket.hello(ticket).await;
        assert_eq!(problem(&mut socket).await, code);
        socket.closed().await;
    }
}

#[tokio::test]
async fn a_page_of_another_origin_gets_no_socket_no_session_and_no_events() {
    let server = Server::start().await;
    for origin in ["https://evil.example", "null", &format!("{}.evil.example", server.origin())] {
        let mut request = format!("ws://{}/ws", server.address).into_client_request().unwrap();
        request.headers_mut().insert("origin", origin.parse().unwrap());
        match soon(tokio_tungstenite::connect_async(request)).await {
            Err(Error::Http(answer)) => assert_eq!(answer.status(), 403),
            other => panic!("{origin}: {:?}", other.map(drop)),
        }
        for path in ["/api/v1/visitor-sessions", "/api/v1/tickets", "/api/v1/live", "/api/v1/studio-tickets"]
        {
            let body = json!({ "brand": BRAND, "locale": "en", "version": 1, "ticket": "" }).to_string();
            let length = body.len();
            let mut stream = TcpStream::connect(server.address).await.unwrap();
            let request = format!(
                "POST {path} HTTP/1.1\r\nhost: localhost\r\norigin: {origin}\r\nconnection: close\r\n\
                 content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
            );
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            soon(stream.read_to_string(&mut answer)).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 403 "), "{origin} {path}: {answer}");
        }
    }
}

#[tokio::test]
async fn what_is_too_long_is_refused_with_the_limit_and_nothing_is_stored() {
    let server = Server::start().await;
    let (visit, mut socket) = server.visitor().await;
    let text = "ä".repeat(3_073);
    socket.send(submit(&visit.conversation, &new_id(), &text)).await;
    let refused = socket.expect("refused").await["problem"].take();
    assert_eq!(
        (&refused["type"], &refused["limit"], &refused["found"], refused.get("retryAfterMs")),
        (&json!("/problems/too-long"), &json!(3_072), &json!(3_073), None)
    );
    assert_eq!(socket.say(&visit.conversation, &"ä".repeat(3_072)).await, 1);

    socket.send(submit(&visit.conversation, &new_id(), &"x".repeat(100_000))).await;
    let problem = socket.expect("problem").await;
    assert_eq!((&problem["type"], &problem["limit"]), (&json!("/problems/too-long"), &json!(65_536)));
    assert_eq!(u16::from(socket.closed().await.unwrap().code), 1009);
    let mut again = server.connect(&visit).await;
    assert_eq!(again.follow(&visit.conversation, 0).await["head"], json!(1));
}

#[tokio::test]
async fn text_that_is_not_utf8_is_named_and_ends_the_connection() {
    let server = Server::start().await;
    let (_, mut socket) = server.visitor().await;
    let frame = Frame::message(vec![b'"', 0xC3, 0x28, b'"'], OpCode::Data(Data::Text), true);
    socket.send_message(Message::Frame(frame)).await;
    assert_eq!(problem(&mut socket).await, "malformed");
    assert_eq!(u16::from(socket.closed().await.unwrap().code), 1007);
}

#[tokio::test]
async fn a_plain_request_to_the_socket_is_told_to_upgrade() {
    let server = Server::start().await;
    let answer = server.ask("GET", "/ws", "", "").await;
    assert_eq!((answer.status, &answer.body["type"]), (426, &json!("/problems/upgrade-required")));
}

#[tokio::test]
async fn who_writes_too_fast_is_told_when_to_go_on_and_loses_no_word() {
    let server = Server::start().await;
    let (visit, mut socket) = server.visitor().await;
    let mut ids: Vec<String> = (0..24).map(|_| new_id()).collect();
    let mut stored = Vec::new();
    let mut waited_ms = 0;
    while !ids.is_empty() {
        let mut after: Option<String> = None;
        for id in ids.iter().take(8) {
            let mut frame = submit(&visit.conversation, id, id);
            frame["submit"]["after"] = after.into();
            socket.send(frame).await;
            after = Some(id.clone());
        }
        let mut wait_ms = 0;
        let sent = ids.len().min(8);
        for _ in 0..sent {
            let frame = loop {
                let frame = socket.next().await.unwrap();
                if frame.get("acknowledged").is_some() || frame.get("refused").is_some() {
                    break frame;
                }
            };
            if let Some(acknowledged) = frame.get("acknowledged") {
                stored.push(acknowledged["id"].clone());
                ids.retain(|id| acknowledged["id"] != json!(id));
            } else {
                wait_ms =
                    wait_ms.max(frame["refused"]["problem"]["retryAfterMs"].as_u64().expect("only for now"));
            }
        }
        if wait_ms > 0 {
            waited_ms += wait_ms;
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        }
    }
    assert!(waited_ms >= 1_000, "twenty at once, then one a second");
    socket.follow(&visit.conversation, 0).await;
    let entries = socket.entries_until(24).await;
    let ids: Vec<_> = entries
        .iter()
        .filter(|entry| entry["body"].get("message").is_some())
        .map(|entry| entry["id"].clone())
        .collect();
    let mut sorted = stored.clone();
    sorted.sort_by_key(Value::to_string);
    assert_eq!(stored, sorted, "in the order of writing");
    assert_eq!(ids[ids.len() - stored.len()..], stored);
}

#[tokio::test]
async fn who_sends_more_frames_than_their_rate_is_read_more_slowly_and_loses_none() {
    let server = Server::start().await;
    let (_, mut socket) = server.visitor().await;
    let began = tokio::time::Instant::now();
    for nonce in 0..240 {
        socket.send(json!({ "ping": { "nonce": nonce } })).await;
    }
    for nonce in 0..240 {
        assert_eq!(socket.expect("pong").await["nonce"], json!(nonce));
    }
    assert!(began.elapsed() >= Duration::from_secs(1), "200 at once, then ten a second");
}

/// Fills everything between server and client, then stops reading.
#[tokio::test]
async fn a_reader_that_takes_nothing_is_let_go_and_resumes_without_a_gap() {
    let server = Server::start().await;
    let (visit, mut visitor) = server.visitor().await;
    visitor.say(&visit.conversation, "hello").await;
    let mut anna = server.representative().await;
    anna.follow(&visit.conversation, 0).await;
    anna.act(&visit.conversation, json!({ "takeOver": {} })).await;

    // A receive buffer of a few KiB: what the server's side of the connection takes is soon full.
    let small = TcpSocket::new_v4().unwrap();
    small.set_recv_buffer_size(4 * 1_024).unwrap();
    let stream = small.connect(server.address).await.unwrap();
    let mut request = format!("ws://{}/ws", server.address).into_client_request().unwrap();
    request.headers_mut().insert("origin", server.origin().parse().unwrap());
    let (mut slow, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
    let hello = json!({ "hello": { "version": 1, "ticket": server.ticket(&visit).await } });
    slow.send(Message::text(hello.to_string())).await.unwrap();
    let follow = json!({ "follow": { "conversation": visit.conversation, "after": 0 } });
    slow.send(Message::text(follow.to_string())).await.unwrap();
    // It asks for the history again and again and reads none of it.
    let long = "x".repeat(3_000);
    let mut head = 0;
    for _ in 0..60 {
        head = anna.say(&visit.conversation, &long).await;
    }
    let history =
        json!({ "loadHistory": { "conversation": visit.conversation, "before": head, "limit": 100 } });
    let text = Message::text(history.to_string());
    // Its own sends stall as well, since the server reads nothing from whom it cannot send to; then they fail.
    let let_go = async { while slow.send(text.clone()).await.is_ok() {} };
    tokio::time::timeout(2 * SOON, let_go).await.expect("the server holds on to it");
    drop(slow);
    let mut again = server.connect(&visit).await;
    again.follow(&visit.conversation, 3).await;
    let entries = again.entries_until(head).await;
    assert_eq!(sequences(&entries), (4..=head).collect::<Vec<_>>());
    assert!(anna.say(&visit.conversation, "nobody else noticed").await > head);
}
