//! Clients work through replacements of their credential.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::json;
use tokio::sync::watch;

use super::{Setup, can_connect};
use crate::harness::{connect, eventually};

const CLIENTS: usize = 4;
const ROTATIONS: usize = 3;

/// A client that opens a connection, works, and reads its URL again. Only an error ends it before it is told to stop.
async fn work(
    urls: watch::Receiver<(usize, String)>,
    seen: Arc<Vec<AtomicUsize>>,
    number: usize,
    stop: Arc<AtomicBool>,
) -> Result<usize, tokio_postgres::Error> {
    let mut done = 0;
    while !stop.load(Ordering::SeqCst) {
        let (generation, url) = urls.borrow().clone();
        let (mut client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        for _ in 0..5 {
            let transaction = client.transaction().await?;
            transaction.execute("UPDATE accounts SET balance = balance + 1 WHERE id = $1", &[&(number as i32)]).await?;
            transaction.commit().await?;
            done += 1;
        }
        seen[number].store(generation, Ordering::SeqCst);
    }
    Ok(done)
}

#[tokio::test]
async fn no_transaction_fails_while_credentials_are_replaced() {
    let setup = Setup::new().await;
    let id = setup.ready("busy", json!({"connections": 20})).await;
    let mut urls = vec![setup.url(&id).await];
    let create = "CREATE TABLE accounts (id integer PRIMARY KEY, balance integer NOT NULL);
                  INSERT INTO accounts SELECT n, 0 FROM generate_series(0, 9) AS n";
    connect(&urls[0]).await.batch_execute(create).await.unwrap();
    let (sender, receiver) = watch::channel((0, urls[0].clone()));
    let (seen, stop) =
        (Arc::new((0..CLIENTS).map(|_| AtomicUsize::new(0)).collect()), Arc::new(AtomicBool::new(false)));
    let start = |number| tokio::spawn(work(receiver.clone(), Arc::clone(&seen), number, stop.clone()));
    let clients: Vec<_> = (0..CLIENTS).map(start).collect();
    for generation in 1..=ROTATIONS {
        setup.server.post(&format!("/projects/{id}/rotate"), json!({})).await.expect(202);
        setup.server.until(&id, "ready").await;
        urls.push(setup.url(&id).await);
        sender.send_replace((generation, urls[generation].clone()));
        let all = |seen: &Vec<AtomicUsize>| seen.iter().all(|it| it.load(Ordering::SeqCst) == generation);
        eventually("every client uses the new URL, or has failed", async || {
            (all(&seen) || clients.iter().any(|it| it.is_finished())).then_some(())
        })
        .await;
    }
    stop.store(true, Ordering::SeqCst);
    let mut done = 0;
    for client in clients {
        done += client.await.unwrap().unwrap_or_else(|error| panic!("a transaction failed: {error:?}"));
    }
    let total = "SELECT sum(balance) FROM accounts";
    let recorded: i64 = setup.tenant(&id).await.query_one(total, &[]).await.unwrap().get(0);
    assert_eq!(recorded, done as i64, "every transaction counts once");
    for (at, url) in urls.iter().enumerate() {
        assert_eq!(can_connect(url).await, at + 2 > ROTATIONS, "URL {at} of {ROTATIONS}");
    }
}
