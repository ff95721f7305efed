//! One server that most tests share: two customers are enrolled and two proxies listed. Tests leave
//! these four alone and use ids of their own beside them.

use tokio::sync::OnceCell;

use super::clients::Clients;
use super::server::{Launch, TestServer, folder};
use super::voices;

/// Enrolled customers; their ids are their names.
pub(crate) const CUSTOMERS: [&str; 2] = ["carlo", "june"];
/// Listed proxies; their ids are their names. Nobody else may be enrolled with these voices.
pub(crate) const PROXIES: [&str; 2] = ["allison", "armelle"];
// ivrvoice and paola are strangers to it.

/// The shared server, with nobody in it that a test may count on.
pub(crate) async fn server() -> &'static TestServer {
    static SERVER: OnceCell<TestServer> = OnceCell::const_new();
    SERVER.get_or_init(async || Launch::new().passing().start(&folder().keep())).await
}

/// A client of the shared server.
pub(crate) async fn client() -> Clients {
    Clients::connect(server().await.address()).await
}

/// A client of the shared server once the customers are enrolled and the proxies listed.
pub(crate) async fn populated() -> Clients {
    static POPULATED: OnceCell<()> = OnceCell::const_new();
    let mut clients = client().await;
    POPULATED.get_or_init(async || populate(&mut clients.clone()).await).await;
    clients.customer(CUSTOMERS[0]).await.expect("the world is populated");
    clients
}

/// Enrolls the customers and lists the proxies.
pub(crate) async fn populate(clients: &mut Clients) {
    for person in CUSTOMERS {
        clients.enroll(person, voices::enrollment(person)).await.expect("the customer is enrolled");
    }
    for person in PROXIES {
        clients.list(person, voices::enrollment(person)).await.expect("the proxy is listed");
    }
}
