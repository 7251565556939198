//! When typing ends.

use std::time::Duration;

use super::{enter, hub};

#[tokio::test(start_paused = true)]
async fn typing_ends_by_itself() {
    let (hub, _world) = hub();
    let mut ann = enter(&hub, "r", "Ann", None).await;
    let mut bob = enter(&hub, "r", "Bob", None).await;
    assert_eq!(ann.hears().await["type"], "joined");
    let begun = tokio::time::Instant::now();
    bob.seat.typing(true).await.unwrap();
    assert_eq!(ann.hears().await["typing"], true);
    assert_eq!(ann.hears().await["typing"], false);
    assert_eq!(begun.elapsed().as_secs(), 6);
    bob.seat.typing(true).await.unwrap();
    assert_eq!(ann.hears().await["typing"], true);
    bob.publish(None, "done").await.unwrap();
    assert_eq!(ann.hears().await["type"], "chat");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(ann.heard.try_recv().is_err(), "a message ends it without a word");
}

#[tokio::test(start_paused = true)]
async fn typing_ends_with_its_link_and_not_in_the_middle_of_the_next_one() {
    let (hub, _world) = hub();
    let mut ann = enter(&hub, "r", "Ann", None).await;
    let bob = enter(&hub, "r", "Bob", None).await;
    assert_eq!(ann.hears().await["type"], "joined");
    let mut begun = tokio::time::Instant::now();
    let (mut seat, welcome) = (bob.seat, bob.welcome);
    for _ in 0..3 {
        seat.typing(true).await.unwrap();
        assert_eq!(ann.hears().await["typing"], true);
        tokio::time::sleep(Duration::from_secs(3)).await;
        drop(seat);
        assert_eq!(ann.hears().await["typing"], false);
        assert_eq!(begun.elapsed().as_secs(), 3, "at once, and nothing of the link before");
        seat = enter(&hub, "r", "Bob", Some(&welcome)).await.seat;
        begun = tokio::time::Instant::now();
    }
    // Who does not type need not stop.
    drop(seat);
    assert_eq!(ann.hears().await["type"], "left");
    assert_eq!(begun.elapsed().as_secs(), 15);
}
