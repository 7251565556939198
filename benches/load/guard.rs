//! What every `cargo test` asks: whether Parlor still costs about what the
//! kernel does. CPU time against CPU time in the same run, never the clock, and
//! with room for a build that is not optimised: only a change for the worse by
//! a multiple is found.

use std::io;

use crate::{
    dialect::Door,
    job::{Crowd, Shape},
    plan::Scenario,
    server::Kind,
};

/// How many times what the floor costs a delivery may cost.
const MOST: f64 = 3.0;

/// Loads the floor and Parlor by turns.
///
/// # Errors
/// A delivery costs too much or went wrong, or something did not start.
pub fn hold() -> io::Result<()> {
    let crowd = Crowd { rooms: 10, members: 100, door: Door::Socket, stalled: 0 };
    let shape = Shape::Talk { crowd, rate: 10.0, seconds: 1.0, bytes: 128 };
    let scenario = Scenario { name: "guard", shape, kinds: &[Kind::Floor, Kind::Parlor] };
    let mut ratios = Vec::new();
    for run in 0..3 {
        let [floor, parlor] = [Kind::Floor, Kind::Parlor].map(|kind| scenario.measure(kind, run));
        let (floor, parlor) = (floor?.outcome, parlor?.outcome);
        for outcome in [&floor, &parlor] {
            if (outcome.deliveries, outcome.lost, outcome.doubled, outcome.disordered, outcome.closed) != (10_000, 0, 0, 0, 0) {
                return Err(io::Error::other(format!("not every message reached everybody once and in order: {outcome:?}")));
            }
        }
        println!("a delivery costs {:.2} us, the floor's {:.2} us", parlor.cpu, floor.cpu);
        ratios.push(parlor.cpu / floor.cpu);
    }
    ratios.sort_by(f64::total_cmp);
    if ratios[1] > MOST {
        return Err(io::Error::other(format!("a delivery costs {:.1} times the floor's; at most {MOST} is allowed", ratios[1])));
    }
    println!("test a_delivery_costs_little_more_than_the_kernel ... ok ({:.2} times the floor)", ratios[1]);
    Ok(())
}
