use super::*;

const MOST: usize = 4;
const PING: &[u8] = b"OPTIONS sip:a SIP/2.0\r\nContent-Length: 0\r\n\r\n";

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// Connections with one, of number 1, and its far end.
async fn connected() -> (Connections, TcpStream) {
    let (mut connections, listener) = (Connections::new(MOST, SiprecOptions::default()), listener().await);
    let far = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    assert!(matches!(connections.next(Some(&listener)).await, Heard::Nothing));
    assert_eq!((connections.open.len(), connections.room.available_permits()), (1, MOST - 1));
    (connections, far)
}

/// Waits until a connection is over and its place is free.
async fn gone(connections: &mut Connections, number: u64) {
    loop {
        match connections.next(None).await {
            Heard::Gone(connection) => break assert_eq!(connection, number),
            Heard::Nothing => {}
            Heard::Message(..) => panic!("a message"),
        }
    }
    while connections.tasks.join_next().await.is_some() {}
    assert_eq!((connections.open.len(), connections.room.available_permits()), (0, MOST));
}

async fn is_closed(far: &mut TcpStream) -> bool {
    matches!(far.read(&mut [0; 1]).await, Ok(0) | Err(_))
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    let (mut connections, mut far) = connected().await;
    let now = connections.open[&1].heard_at;
    connections.close_idle(now + FIRST_MESSAGE_PATIENCE - Duration::from_millis(1), |_| false);
    assert_eq!(connections.open.len(), 1);
    connections.close_idle(now + FIRST_MESSAGE_PATIENCE, |_| false);
    gone(&mut connections, 1).await;
    assert!(is_closed(&mut far).await);
}

#[tokio::test]
async fn a_connection_that_spoke_may_be_silent_for_longer_and_one_in_use_as_long_as_it_likes() {
    let (mut connections, mut far) = connected().await;
    far.write_all(PING).await.unwrap();
    assert!(matches!(connections.next(None).await, Heard::Message(_, message) if message == PING));
    // What is no whole message keeps nothing open.
    far.write_all(b"\r\n\r\nOPTIONS").await.unwrap();
    let now = connections.open[&1].heard_at;
    connections.close_idle(now + IDLE_PATIENCE - Duration::from_millis(1), |_| false);
    connections.close_idle(now + 10 * IDLE_PATIENCE, |connection| connection == 1);
    assert_eq!(connections.open.len(), 1);
    connections.close_idle(now + IDLE_PATIENCE, |_| false);
    gone(&mut connections, 1).await;
    assert!(is_closed(&mut far).await);
}

#[tokio::test]
async fn who_may_not_invite_may_not_connect() {
    let options = SiprecOptions { peers: vec!["192.0.2.7".parse().unwrap()], ..SiprecOptions::default() };
    let (mut connections, listener) = (Connections::new(MOST, options), listener().await);
    let mut far = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    tokio::select! {
        _ = connections.next(Some(&listener)) => panic!("it was taken"),
        closed = is_closed(&mut far) => assert!(closed),
    }
    assert!(connections.open.is_empty());
}

#[tokio::test]
async fn no_more_are_taken_than_there_is_room_for() {
    let (mut connections, far) = connected().await;
    let listener = listener().await;
    let mut more = Vec::new();
    for _ in 1..MOST {
        more.push(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap());
        assert!(matches!(connections.next(Some(&listener)).await, Heard::Nothing));
    }
    more.push(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap());
    assert_eq!((connections.open.len(), connections.room.available_permits()), (MOST, 0));
    // Nor is one made.
    connections.send(99, Bytes::from_static(PING), Some(listener.local_addr().unwrap()));
    assert_eq!(connections.open.len(), MOST);
    drop(far);
    while connections.open.len() == MOST {
        connections.next(None).await;
    }
    while connections.open.len() < MOST {
        connections.next(Some(&listener)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_far_end_that_does_not_read_keeps_its_place_only_for_a_while() {
    for is_let_go in [false, true] {
        let (mut connections, _far) = connected().await;
        // More than the system takes for it.
        connections.send(1, Bytes::from(vec![b'a'; 64 << 20]), None);
        if is_let_go {
            connections.close(1);
        }
        assert_eq!(connections.room.available_permits(), MOST - 1, "it is still there");
        gone(&mut connections, 1).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_far_end_is_bounded() {
    let (mut connections, _far) = connected().await;
    for _ in 0..=WAITING + 1 {
        connections.send(1, Bytes::from(vec![b'a'; 64 << 10]), None);
    }
    assert!(connections.open.is_empty());
    gone(&mut connections, 1).await;
}

#[tokio::test]
async fn who_said_all_is_still_answered() {
    let (mut connections, mut far) = connected().await;
    far.write_all(PING).await.unwrap();
    far.shutdown().await.unwrap();
    assert!(matches!(connections.next(None).await, Heard::Message(..)));
    connections.send(1, Bytes::from_static(b"SIP/2.0 200 OK\r\n\r\n"), None);
    let reading = async {
        let mut answer = Vec::new();
        far.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, b"SIP/2.0 200 OK\r\n\r\n");
    };
    tokio::join!(reading, gone(&mut connections, 1));
}

#[tokio::test]
async fn a_message_of_a_connection_that_is_gone_takes_a_new_one() {
    let (mut connections, far) = connected().await;
    drop(far);
    gone(&mut connections, 1).await;
    let listener = listener().await;
    connections.send(1, Bytes::from_static(PING), None);
    assert!(connections.open.is_empty(), "there is nowhere to send it");
    connections.send(1, Bytes::from_static(PING), Some(listener.local_addr().unwrap()));
    let (mut far, _) = listener.accept().await.unwrap();
    let mut message = vec![0; PING.len()];
    far.read_exact(&mut message).await.unwrap();
    assert_eq!(message, PING);
    far.write_all(PING).await.unwrap();
    let Heard::Message(peer, _) = connections.next(None).await else { panic!("no message") };
    assert_eq!(peer.transport, Transport::Tcp(2));
    // Where nobody listens, nothing is left of it.
    drop((far, listener));
    gone(&mut connections, 2).await;
    connections.send(2, Bytes::from_static(PING), Some(peer.address));
    gone(&mut connections, 3).await;
}
