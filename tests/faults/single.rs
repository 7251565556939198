//! Faults of a single Redis, and of the line to it.

use std::time::Duration;

use tokio::time::sleep;

use super::{
    AWAY, Fault,
    fleet::HubConfig,
    manner::{Patience, Wish},
    person::Person,
    storm::Storm,
    support::{line::Line, redis::Server},
    table::Row,
    until,
};

pub const FAULTS: &[Fault] = &[
    ("nothing_happens", || Box::pin(nothing_happens())),
    ("redis_forgets_its_scripts", || Box::pin(redis_forgets_its_scripts())),
    ("connections_are_killed", || Box::pin(connections_are_killed())),
    ("subscriptions_end_in_silence", || Box::pin(subscriptions_end_in_silence())),
    ("redis_stops_for_less_than_a_lease", || Box::pin(redis_stops_for_less_than_a_lease())),
    ("redis_stops_for_longer_than_a_lease", || Box::pin(redis_stops_for_longer_than_a_lease())),
    ("redis_stops_for_longer_than_rooms_live", || {
        Box::pin(redis_stops_for_longer_than_rooms_live())
    }),
    ("redis_is_full", || Box::pin(redis_is_full())),
    ("redis_comes_back_empty", || Box::pin(redis_comes_back_empty())),
];

async fn nothing_happens() -> Row {
    let mut storm = Storm::gather(Server::start()).await;
    storm.strike();
    storm.settle("none", &[]).await
}

async fn redis_forgets_its_scripts() -> Row {
    let mut storm = Storm::gather(Server::start()).await;
    storm.strike();
    for _ in 0..5 {
        storm.redis.ask(&["SCRIPT", "FLUSH"]);
        storm.all_hear_again().await;
    }
    storm.settle("`SCRIPT FLUSH`, five times", &[]).await
}

async fn connections_are_killed() -> Row {
    let mut storm = Storm::gather(Server::start()).await;
    storm.strike();
    for _ in 0..3 {
        // Commands go over the same ones.
        storm.redis.ask(&["CLIENT", "KILL", "TYPE", "pubsub"]);
        storm.all_hear_again().await;
    }
    // A cut loses answers that Redis had not written yet.
    storm.settle("`CLIENT KILL TYPE pubsub`, three times", &["ack of a repetition"]).await
}

async fn subscriptions_end_in_silence() -> Row {
    let redis = Server::start();
    let line = Line::to(redis.port()).await;
    let urls = [line.url(), redis.url(), redis.url()];
    let config = HubConfig::of_long_lease();
    let mut storm = Storm::gather_with(redis, urls, config, Patience::PAGE).await;
    let channels: Vec<_> =
        (0..config.rooms).map(|room| format!("parlor1:{{storm-{room}}}")).collect();
    storm.strike();
    for _ in 0..3 {
        for channel in &channels {
            line.whisper(&["SUNSUBSCRIBE", channel]);
        }
        storm.all_hear_again().await;
    }
    storm.settle("a node's subscriptions end without a word, three times", &[]).await
}

async fn redis_stops(fault: &str, time: Duration, may: &[&str]) -> Row {
    let mut storm = Storm::gather_on(Server::start(), HubConfig::of_this_run()).await;
    storm.strike();
    storm.redis.signal("STOP");
    sleep(time).await;
    storm.redis.signal("CONT");
    storm.over();
    storm.settle(fault, may).await
}

async fn redis_stops_for_less_than_a_lease() -> Row {
    redis_stops("Redis stopped, less than a lease", HubConfig::of_this_run().lease * 2 / 3, &AWAY)
        .await
}

async fn redis_stops_for_longer_than_a_lease() -> Row {
    redis_stops("Redis stopped, longer than a lease", HubConfig::of_this_run().lease * 2, &AWAY)
        .await
}

async fn redis_stops_for_longer_than_rooms_live() -> Row {
    let time = HubConfig::of_this_run().ttl() + Duration::from_secs(2);
    redis_stops(
        "Redis stopped until all rooms have expired",
        time,
        &[&AWAY[..], &["reset", "joined"]].concat(),
    )
    .await
}

async fn redis_is_full() -> Row {
    let mut storm = Storm::gather(Server::start()).await;
    storm.guest(1, 0).await;
    // A host whose decisions are not taken could not open its room again.
    storm.everybody(Wish::Chat);
    storm.is_calm().await;
    storm.strike();
    storm.redis.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    storm.somebody_saw("error store_full").await;
    // Who is in may go, and no member is put out: renewals work.
    storm.guests[0].1.wish(Wish::Die);
    let mut newcomer = Person::start(
        storm.fleet.nginx.address,
        "storm-1",
        "Newcomer",
        storm.config.pace,
        Patience::PAGE,
    );
    until("the newcomer is refused", || {
        let seen: Vec<String> =
            newcomer.diary().seen.iter().map(|(_, what)| what.clone()).collect();
        async move {
            seen.starts_with(&["error store_full".to_owned(), "closing store_full".to_owned()])
                .then_some(())
        }
    })
    .await;
    newcomer.wish(Wish::Die);
    newcomer.gone().await;
    storm.heard_to_leave(0, "lost").await;
    sleep(storm.config.lease + storm.config.period()).await;
    storm.redis.ask(&["CONFIG", "SET", "maxmemory", "0"]);
    storm.everybody(Wish::Talk);
    storm.over();
    storm.settle("Redis out of memory", &["error store_full", "error stale_n", "left lost"]).await
}

async fn redis_comes_back_empty() -> Row {
    let mut storm = Storm::gather(Server::start()).await;
    storm.strike();
    storm.redis.kill();
    assert!(storm.redis.launch());
    storm
        .settle(
            "Redis killed and started again, empty",
            &[&AWAY[..], &["reset", "joined"]].concat(),
        )
        .await
}
