//! Two people talk.

use serde_json::{Value, json};

use crate::support::{Events, Server, Socket, Visit, new_id, sequences, submit, texts};

#[tokio::test]
async fn a_visitor_and_a_representative_talk_and_see_each_other_type_and_read() {
    let server = Server::start().await;
    let (visit, mut visitor) = server.visitor().await;
    let conversation = visit.conversation.as_str();
    assert_eq!(visitor.say(conversation, "Is the lamp dimmable?").await, 1);

    let mut anna = server.representative().await;
    let followed = anna.follow(conversation, 0).await;
    assert_eq!((&followed["head"], &followed["isClosed"]), (&json!(1), &json!(false)));
    assert_eq!(texts(&anna.entries_until(1).await), ["Is the lamp dimmable?"]);
    assert_eq!(anna.expect("presence").await["visitorIsOnline"], json!(true));

    anna.act(conversation, json!({ "takeOver": {} })).await;
    anna.send(json!({ "typing": { "conversation": conversation, "isTyping": true } })).await;
    let typing = visitor.expect("typing").await;
    assert_eq!(
        (&typing["isTyping"], &typing["representative"]["displayName"]),
        (&json!(true), &json!("Anna"))
    );
    let head = anna.say(conversation, "Yes, from 5 %.").await;
    assert_eq!(visitor.expect("typing").await["isTyping"], json!(false), "a message ends typing");
    let entries = visitor.entries_until(head).await;
    assert_eq!(sequences(&entries), (1..=head).collect::<Vec<_>>());
    let author = &entries.last().unwrap()["author"]["representative"];
    assert_eq!((&author["displayName"], &author["representativeType"]), (&json!("Anna"), &json!("HUMAN")));

    visitor.send(json!({ "seen": { "conversation": conversation, "delivered": head, "read": head } })).await;
    let watermark = anna.expect("watermark").await["watermark"].take();
    assert_eq!((&watermark["isVisitor"], &watermark["read"]), (&json!(true), &json!(head)));
}

#[tokio::test]
async fn who_comes_back_gets_what_came_after_what_they_hold_and_nothing_twice() {
    let server = Server::start().await;
    let (visit, mut first) = server.visitor().await;
    for number in 1..=7 {
        assert_eq!(first.say(&visit.conversation, &format!("number {number}")).await, number);
    }
    drop(first);
    let mut again = server.connect(&visit).await;
    assert_eq!(again.follow(&visit.conversation, 4).await["head"], json!(7));
    assert_eq!(texts(&again.entries_until(7).await), ["number 5", "number 6", "number 7"]);
    again.follow(&visit.conversation, 7).await;
    assert!(again.settle().await.iter().all(|frame| frame.get("entries").is_none()));
    let history = json!({ "conversation": visit.conversation, "before": 3, "limit": 10 });
    again.send(json!({ "loadHistory": history })).await;
    let history = again.expect("history").await;
    assert_eq!(sequences(history["entries"].as_array().unwrap()), [1, 2]);
}

#[tokio::test]
async fn a_resent_message_is_stored_once_and_acknowledged_again() {
    let server = Server::start().await;
    let (visit, mut socket) = server.visitor().await;
    let id = new_id();
    let frame = submit(&visit.conversation, &id, "only once");
    socket.send(frame.clone()).await;
    socket.send(frame.clone()).await;
    assert_eq!(socket.acknowledged(&id).await, 1);
    assert_eq!(socket.acknowledged(&id).await, 1);
    drop(socket);
    let mut socket = server.connect(&visit).await;
    socket.send(frame).await;
    assert_eq!(socket.acknowledged(&id).await, 1);
    socket.follow(&visit.conversation, 0).await;
    assert_eq!(texts(&socket.entries_until(1).await), ["only once"]);
    assert_eq!(socket.say(&visit.conversation, "next").await, 2);
}

#[tokio::test]
async fn two_devices_of_a_visitor_see_the_same_and_a_stranger_sees_nothing() {
    let server = Server::start().await;
    let (visit, mut phone) = server.visitor().await;
    let mut laptop = server.connect(&visit).await;
    laptop.follow(&visit.conversation, 0).await;
    phone.say(&visit.conversation, "from the phone").await;
    assert_eq!(texts(&laptop.entries_until(1).await), ["from the phone"]);

    let (_, mut stranger) = server.visitor().await;
    stranger.send(json!({ "follow": { "conversation": visit.conversation, "after": 0 } })).await;
    assert_eq!(stranger.expect("problem").await["type"], json!("/problems/not-found"));
    stranger.send(submit(&visit.conversation, &new_id(), "me too")).await;
    assert_eq!(stranger.expect("refused").await["problem"]["type"], json!("/problems/not-found"));
    phone.say(&visit.conversation, "still alone").await;
    assert_eq!(texts(&laptop.entries_until(2).await), ["still alone"]);
}

#[tokio::test]
async fn notes_reach_colleagues_and_never_the_visitor() {
    let server = Server::start().await;
    let (visit, mut visitor) = server.visitor().await;
    visitor.say(&visit.conversation, "hello").await;
    let mut anna = server.representative().await;
    anna.follow(&visit.conversation, 0).await;
    let head = anna.act(&visit.conversation, json!({ "note": { "text": "a regular, be kind" } })).await;
    let seen = anna.entries_until(head).await;
    assert_eq!(seen.last().unwrap()["body"]["note"]["text"], json!("a regular, be kind"));
    let hidden = visitor.entries_until(head).await;
    assert_eq!(hidden.last().unwrap()["body"], json!({ "hidden": {} }));
}

#[tokio::test]
async fn who_waits_is_told_their_place_and_whether_anybody_is_there() {
    let server = Server::start().await;
    let (first_visit, mut first) = server.visitor().await;
    let (second_visit, mut second) = server.visitor().await;
    first.say(&first_visit.conversation, "anybody?").await;
    let waiting = first.expect("waiting").await;
    assert_eq!((&waiting["before"], &waiting["isStaffed"]), (&json!(0), &json!(false)));
    second.say(&second_visit.conversation, "me too").await;
    assert_eq!(second.expect("waiting").await["before"], json!(1));

    let mut anna = server.representative().await;
    assert_eq!(first.expect("waiting").await["isStaffed"], json!(true));
    assert_eq!(second.expect("waiting").await["isStaffed"], json!(true));
    anna.follow(&first_visit.conversation, 0).await;
    anna.act(&first_visit.conversation, json!({ "takeOver": {} })).await;
    assert_eq!(second.expect("waiting").await["before"], json!(0));
    let mut again = server.connect(&second_visit).await;
    again.follow(&second_visit.conversation, 0).await;
    assert_eq!(again.expect("waiting").await["before"], json!(0), "who comes back is told at once");
    drop(anna);
    assert_eq!(second.expect("waiting").await["isStaffed"], json!(false));
}

#[tokio::test]
async fn a_watched_inbox_tells_of_new_words_and_of_what_left_the_list() {
    let server = Server::start().await;
    let mut anna = server.representative().await;
    anna.send(json!({ "watchInbox": { "view": "unassigned" } })).await;
    let snapshot = anna.expect("inbox").await;
    assert_eq!((&snapshot["isSnapshot"], &snapshot["changed"]), (&json!(true), &json!([])));
    let (visit, mut visitor) = server.visitor().await;
    visitor.say(&visit.conversation, "hello").await;
    let inbox = anna.expect("inbox").await;
    let line = &inbox["changed"][0];
    assert_eq!(line["conversation"], json!(visit.conversation));
    assert_eq!((&line["preview"], &line["unread"]), (&json!("hello"), &json!(1)));
    anna.follow(&visit.conversation, 0).await;
    anna.act(&visit.conversation, json!({ "takeOver": {} })).await;
    assert_eq!(anna.expect("inbox").await["removed"], json!([visit.conversation]));
}

#[tokio::test]
async fn events_with_posts_say_the_same_as_a_socket() {
    let server = Server::start().await;
    let over_socket = {
        let visit = server.visit().await;
        let mut socket = Socket::open(&server).await;
        socket.hello(&visit.ticket).await;
        let mut frames = vec![socket.next().await.unwrap()];
        for (frame, answers) in exchange(&visit) {
            socket.send(frame).await;
            for _ in 0..answers {
                frames.push(socket.next().await.unwrap());
            }
        }
        transcript(frames)
    };
    let over_events = {
        let visit = server.visit().await;
        let (path, mut events) = Events::connect(&server, &visit.ticket).await;
        let mut frames = vec![events.next().await.unwrap()];
        for (frame, answers) in exchange(&visit) {
            assert_eq!(server.post(&path, "", &json!([frame])).await.status, 204);
            for _ in 0..answers {
                frames.push(events.next().await.unwrap());
            }
        }
        assert_eq!(server.ask("GET", &path, "", "").await.status, 409, "one listener a connection");
        transcript(frames)
    };
    assert_eq!(over_socket, over_events);
}

/// Frames of a visitor, each with how many frames the server answers.
fn exchange(visit: &Visit) -> Vec<(Value, usize)> {
    let conversation = visit.conversation.as_str();
    let take_over = json!({ "id": new_id(), "body": { "takeOver": {} } });
    vec![
        (json!({ "follow": { "conversation": conversation, "after": 0 } }), 1),
        // Acknowledged, the entry itself, and the place in the line.
        (submit(conversation, &new_id(), "über alles: \"quotes\", \u{2028} and 🪔"), 3),
        (json!({ "submit": { "conversation": conversation, "submission": take_over } }), 1),
        (json!({ "hello": { "version": 1, "ticket": visit.ticket } }), 1),
        (json!({ "somethingNew": {} }), 1),
        (json!({ "ping": { "nonce": 5 } }), 1),
    ]
}

/// Without what differs between any two visitors.
fn transcript(mut frames: Vec<Value>) -> Vec<Value> {
    frames.iter_mut().for_each(blank);
    // The acknowledgement and the entry come from two tasks, in either order.
    frames.sort_by_key(Value::to_string);
    frames
}

fn blank(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for name in ["id", "session", "participant", "conversation", "at", "now", "before"] {
                if let Some(member) = members.get_mut(name).filter(|member| !member.is_object()) {
                    *member = Value::Null;
                }
            }
            members.values_mut().for_each(blank);
        }
        Value::Array(items) => items.iter_mut().for_each(blank),
        _ => {}
    }
}

#[tokio::test]
async fn a_connection_by_events_ends_with_its_listener_and_knows_its_limits() {
    let server = Server::start().await;
    let visit = server.visit().await;
    let (path, mut events) = Events::connect(&server, &visit.ticket).await;
    assert!(events.next().await.unwrap().get("welcome").is_some());
    let pings = |count: usize| Value::from(vec![json!({ "ping": { "nonce": 1 } }); count]);
    let answer = server.post(&path, "", &pings(1_000)).await;
    assert_eq!((answer.status, &answer.body["retryAfterMs"]), (429, &json!(1_000)));
    let answer = server.ask("POST", &path, "", "[{\"ping\":").await;
    assert_eq!((answer.status, &answer.body["type"]), (400, &json!("/problems/malformed")));
    drop(events);
    while server.post(&path, "", &pings(1)).await.status != 404 {
        tokio::task::yield_now().await;
    }
    let answer = server.post("/api/v1/live/AAAA", "", &pings(1)).await;
    assert_eq!((answer.status, &answer.body["type"]), (404, &json!("/problems/connection-over")));
}
