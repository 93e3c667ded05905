//! What the live connection of a representative reaches, and how it ends.

use futures_util::{SinkExt as _, StreamExt as _};
use portico_protocol::api::{Me, Ticket};
use portico_protocol::{ClientFrame, ConversationId, PROTOCOL_VERSION, ServerFrame, codec, frame};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::world::{ADA, SOON, World};

struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    /// A connection of the session in `cookie`, welcomed.
    async fn open(world: &World, cookie: &str) -> Self {
        let ticket: Ticket = world.change("POST", "/api/v1/studio-tickets", cookie, "").await.json();
        let url = format!("ws://{}/ws", world.config.public_url.authority());
        let mut request = url.into_client_request().unwrap();
        request.headers_mut().insert("origin", world.config.public_url.origin().parse().unwrap());
        let stream = TcpStream::connect(world.config.listen).await.unwrap();
        let mut socket = Self(client_async(request, stream).await.unwrap().0);
        socket.say(frame::Hello { version: PROTOCOL_VERSION, ticket: ticket.ticket }).await;
        assert!(matches!(socket.hear().await, Some(ServerFrame::Welcome(_))));
        socket
    }

    async fn say(&mut self, frame: impl Into<ClientFrame>) {
        self.0.send(Message::text(codec::encode(&frame.into()))).await.unwrap();
    }

    /// The next frame; `None` once the connection is closed.
    async fn hear(&mut self) -> Option<ServerFrame> {
        loop {
            match tokio::time::timeout(SOON, self.0.next()).await.expect("a frame or the end") {
                Some(Ok(Message::Text(text))) => return Some(codec::decode_from_server(&text).unwrap()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    async fn follow(&mut self, conversation: ConversationId) {
        self.say(frame::Follow { conversation, after: 0 }).await;
    }
}

#[tokio::test]
async fn ending_a_session_ends_its_open_connection() {
    let world = World::start().await;
    let (here, elsewhere) = (world.sign_in(ADA).await, world.sign_in(ADA).await);
    let mut socket = Socket::open(&world, &elsewhere).await;
    let me: Me = world.get("/api/v1/me", &elsewhere).await.json();
    let ended = world.change("DELETE", &format!("/api/v1/sessions/{}", me.session), &here, "").await;
    assert_eq!(ended.status, 204);
    let goodbye = socket.hear().await;
    assert!(
        matches!(&goodbye, Some(ServerFrame::Goodbye(goodbye)) if goodbye.reason == frame::GoodbyeReason::SessionEnded),
        "{goodbye:?}"
    );
    assert_eq!(socket.hear().await, None, "the connection stays open");
    let ticket = world.change("POST", "/api/v1/studio-tickets", &elsewhere, "").await;
    assert_eq!(ticket.status, 401);
}

#[tokio::test]
async fn another_brands_conversation_cannot_be_followed() {
    let world = World::start().await;
    let cookie = world.sign_in(ADA).await;
    let mut socket = Socket::open(&world, &cookie).await;
    socket.follow(world.foreign).await;
    socket.follow(world.own).await;
    // Answers may come in any order: none may hold a word of the other brand, one must hold ours.
    loop {
        match socket.hear().await.expect("a frame") {
            ServerFrame::Entries(entries) => {
                assert_eq!(entries.conversation, world.own, "entries of another brand");
                break;
            }
            ServerFrame::Followed(followed) => assert_eq!(followed.conversation, world.own),
            _ => {}
        }
    }
}
