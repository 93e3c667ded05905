//! A DNS server of our own: authoritative for one zone, on a free port of this machine, by UDP and TCP.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hickory_server::Server;
use hickory_server::proto::rr::rdata::{A, SOA, TXT};
use hickory_server::proto::rr::{LowerName, Name, RData, Record, RecordType, RrKey};
use hickory_server::store::in_memory::InMemoryZoneHandler;
use hickory_server::zone_handler::{AxfrPolicy, Catalog, ZoneHandler, ZoneType};
use tokio::net::{TcpListener, UdpSocket};

/// A running DNS server; it ends when dropped.
pub(crate) struct Zone {
    pub(crate) address: SocketAddr,
    records: Arc<InMemoryZoneHandler>,
    _server: Server<Catalog>,
}

impl Zone {
    /// Starts an empty zone `example.`
    pub(crate) async fn start() -> Self {
        let origin = name("example");
        let zone: InMemoryZoneHandler =
            InMemoryZoneHandler::empty(origin.clone(), ZoneType::Primary, AxfrPolicy::Deny);
        let soa = SOA::new(name("ns.example"), name("admin.example"), 1, 60, 60, 60, 60);
        zone.upsert(Record::from_rdata(origin.clone(), 60, RData::SOA(soa)), 1).await;
        let records = Arc::new(zone);
        let mut catalog = Catalog::new();
        catalog.upsert(LowerName::from(origin), vec![Arc::clone(&records) as Arc<dyn ZoneHandler>]);

        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = udp.local_addr().unwrap();
        let mut server = Server::new(catalog);
        server.register_socket(udp);
        // The same port by TCP may be taken; then long answers fail, which no test needs.
        if let Ok(tcp) = TcpListener::bind(address).await {
            server.register_listener(tcp, Duration::from_secs(5), 4096);
        }
        Self { address, records, _server: server }
    }

    /// Replaces the TXT records at `owner`; none: there is no such name.
    pub(crate) async fn set_texts(&self, owner: &str, texts: &[String]) {
        self.clear(owner, RecordType::TXT).await;
        for text in texts {
            // Longer texts come in pieces of at most 255 bytes (RFC 1035 §3.3).
            let pieces = text.as_bytes().chunks(100).map(|piece| String::from_utf8(piece.to_vec()).unwrap());
            let data = RData::TXT(TXT::new(pieces.collect()));
            self.records.upsert(Record::from_rdata(name(owner), 60, data), 2).await;
        }
    }

    /// Points `host` to an address.
    pub(crate) async fn set_address(&self, host: &str, address: Ipv4Addr) {
        self.clear(host, RecordType::A).await;
        self.records.upsert(Record::from_rdata(name(host), 60, RData::A(A(address))), 2).await;
    }

    async fn clear(&self, owner: &str, kind: RecordType) {
        self.records.records_mut().await.remove(&RrKey::new(name(owner).into(), kind));
    }
}

fn name(text: &str) -> Name {
    Name::from_ascii(format!("{text}.")).unwrap()
}
