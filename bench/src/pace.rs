//! How long a message takes at a fixed rate.
//!
//! Messages are sent when they are due, whatever comes back, and their time counts from then: a stall is felt
//! by all who had to wait for it. A message's id ends with the microsecond at which it was due.

use std::cell::RefCell;
use std::io::Write as _;
use std::net::TcpStream;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::client::{Http, Socket, frame, is_about, number, numbers, submit, text as text_of};
use crate::hold::{CONVERSATIONS, ROUND, ROUNDS, WARM_UP};
use crate::process::Process;
use crate::{Figures, Server, quantile};

/// How long the last messages may take to arrive.
const LAST_WITHIN: Duration = Duration::from_secs(5);

/// Of each message of a round, how long it took in milliseconds.
type Times = Rc<RefCell<[Vec<f64>; ROUNDS]>>;

pub(crate) async fn measure(server: Server, per_second: f64) -> Result<Figures> {
    let mut http = Http::connect(server.port).await?;
    let [acknowledged, delivered]: [Times; 2] = Default::default();
    let mut readers = JoinSet::new();
    let (mut writers, mut sockets) = (Vec::new(), Vec::new());
    for session in http.open_sessions(CONVERSATIONS).await? {
        let (writer, sender) = http.follow(&session).await?.into_halves()?;
        writers.push((writer, session.conversation.clone()));
        sockets.push((sender, http.follow(&session).await?));
    }
    let epoch = Instant::now();
    for (sender, receiver) in sockets {
        readers.spawn_local(time(sender, "acknowledged", epoch, Rc::clone(&acknowledged)));
        readers.spawn_local(time(receiver, "entries", epoch, Rc::clone(&delivered)));
    }
    let span = WARM_UP + ROUND * ROUNDS as u32;
    let before = (server.process.cpu_time()?, Process::own().cpu_time()?);
    eprintln!("{per_second:.0} messages/s for {span:?}");
    // A thread of its own: the runtime's timers are no finer than a millisecond.
    let pacer = thread::spawn(move || send_on_time(&writers, epoch, span, per_second).map(|()| writers));
    tokio::select! {
        () = sleep(span) => {}
        Some(ended) = readers.join_next() => ended??,
    }
    let elapsed = epoch.elapsed().as_secs_f64();
    let cpu_us = (server.process.cpu_time()? - before.0).as_secs_f64() * 1e6 / (per_second * elapsed);
    let load = (Process::own().cpu_time()? - before.1).as_secs_f64() / elapsed * 100.0;
    let _writers = pacer.join().ok().context("the sender panicked")??;
    let count = |times: &Times| times.borrow().iter().map(Vec::len).sum::<usize>();
    let sent = (per_second * ROUND.as_secs_f64() * ROUNDS as f64) as usize;
    let ended_at = Instant::now();
    while count(&acknowledged).min(count(&delivered)) + 1 < sent {
        if ended_at.elapsed() > LAST_WITHIN {
            let (acknowledged, delivered) = (count(&acknowledged), count(&delivered));
            bail!("of {sent} messages {acknowledged} were acknowledged and {delivered} delivered");
        }
        sleep(Duration::from_millis(10)).await;
    }
    let mut figures = Figures::from([("load_percent", vec![load]), ("cpu_us", vec![cpu_us])]);
    for (names, times) in
        [(["acknowledged_p50", "acknowledged_p99"], acknowledged), (["p50", "p99"], delivered)]
    {
        for times in times.borrow_mut().iter_mut() {
            let (p50, p99) = (quantile(times, 0.5), quantile(times, 0.99));
            eprintln!("{}: p50 {p50:.2} ms, p99 {p99:.2} ms of {} messages", names[0], times.len());
            figures.entry(names[0]).or_default().push(p50);
            figures.entry(names[1]).or_default().push(p99);
        }
    }
    Ok(figures)
}

fn send_on_time(
    writers: &[(TcpStream, String)],
    epoch: Instant,
    span: Duration,
    per_second: f64,
) -> Result<()> {
    for (index, (writer, conversation)) in writers.iter().cycle().enumerate() {
        let due = Duration::from_secs_f64(index as f64 / per_second);
        if due >= span {
            break;
        }
        thread::sleep(due.saturating_sub(epoch.elapsed()));
        let text = submit(conversation, due.as_micros() as u64);
        let mut writer = writer;
        writer.write_all(&frame(&text)).context("the server does not read")?;
    }
    Ok(())
}

/// Notes when the messages in the frames about `word` came.
async fn time(mut socket: Socket, word: &str, epoch: Instant, times: Times) -> Result<()> {
    loop {
        let text = socket.next().await?;
        let now = epoch.elapsed();
        if is_about(text, word) {
            // An acknowledgement has one id, and its sequence number comes after it.
            let own = (word == "acknowledged").then(|| text_of(text, "id").and_then(number)).flatten();
            for due in own.into_iter().chain(numbers(text)).map(Duration::from_micros) {
                let round = due.checked_sub(WARM_UP).map(|since| since.as_millis() / ROUND.as_millis());
                let mut times = times.borrow_mut();
                if let Some(times) = round.and_then(|round| times.get_mut(round as usize)) {
                    times.push(now.saturating_sub(due).as_secs_f64() * 1e3);
                }
            }
        }
    }
}
