//! What a command may use, whatever it is given.

use std::io::{Read, Write};
use std::net::TcpListener;

use super::{command, finish, run};
use crate::harness::{Database, Server};

#[tokio::test]
async fn endless_jq_filter_ends_with_a_message() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let filter = |filter: &'static str| {
        let address = server.url.clone();
        move || finish(command(&address, &["project", "list", "--jq", filter])).expect(2).err
    };
    let endless = ["def f: f; f", "[repeat(1)]", "repeat(\"x\" * 100000)"].map(|it| std::thread::spawn(filter(it)));
    for thread in endless {
        let error = thread.join().unwrap();
        assert!(error.contains("takes longer") || error.contains("more than"), "{error}");
    }
    assert_eq!(run(&server, &["project", "list", "--jq", "[limit(3; repeat(1))]"]).expect(0).out, "[1,1,1]\n");
}

#[test]
fn response_too_large_ends_with_a_message() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        _ = stream.read(&mut [0; 4096]).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 400000000\r\n\r\n[").unwrap();
        // The client closes the connection instead of waiting for the rest.
        stream.read(&mut [0; 1])
    });
    let failed = finish(command(&address, &["project", "list"]));
    assert!(failed.err.contains("more than 256 MiB"), "{failed:?}");
    assert_ne!(failed.code, 0);
    _ = server.join().unwrap();
}
