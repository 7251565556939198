//! Whether a server can keep rooms. One that answers PING may still be a replica, a Sentinel or a server of a
//! Cluster. It may refuse to write, or know or allow too few commands. So a probe tries what rooms need.

use fred::{
    clients::WithOptions, error::Error, interfaces::LuaInterface, prelude::Client, types::Value,
};
use tokio::{join, time::timeout};

use super::{
    address::Setup,
    client::{TRY, info},
    connection::RedisConnection,
    error_action::{ErrorAction, classify, spoken},
    keys::Keys,
    role::{self, About, Memory},
    scripts::PROBE,
};

/// Facts that rarely change are asked for once in this many probes.
const RARELY: u32 = 5;
/// Names tried to find one that belongs to a server of a Cluster. Most have a hundredth of the slots, or more.
const NAMES: u32 = 20_000;
/// Names tried to find out whether a server has every slot. With two servers, all of them hit this one once in
/// 65,536 times.
const SPREAD: u32 = 16;

/// The result of a probe.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Finding {
    /// Rooms can be kept there.
    Fit,
    /// Rooms cannot be kept there, and why.
    Unfit(String),
    /// A connection that lives gave no answer.
    Silent,
}

/// Probes one server again and again.
pub(super) struct Probe {
    setup: Setup,
    /// A random number in the probe's names, so that each node gets only its own messages.
    mark: u64,
    turn: u32,
    keys: Keys,
    /// The slot of the names may belong to another server.
    lost: bool,
    /// The script was sent in full on this connection.
    in_full: bool,
    asked: u32,
    /// The server belongs to a Cluster, although the URL does not call it one.
    in_cluster: bool,
}

impl Probe {
    pub(super) fn new(setup: Setup) -> Self {
        let mark = fastrand::u64(..);
        let keys = Keys::of_probe(mark, 0, setup.database);
        Self {
            setup,
            mark,
            turn: 0,
            keys,
            lost: setup.clustered,
            in_full: false,
            asked: 0,
            in_cluster: false,
        }
    }

    /// Forgets what was known of the connection: the new one may lead to another server.
    pub(super) fn begin_anew(&mut self) {
        (self.in_full, self.asked) = (false, 0);
    }

    /// Probes the server. `belongs` tells whether a slot is this server's.
    ///
    /// Where the server is not known to be fit, or a call was refused (`suspected`), commands are tried on their own
    /// connection as well. While the server is up, silence there proves nothing: commands may wait behind what this
    /// node sends.
    pub(super) async fn ask(
        &mut self,
        connection: &RedisConnection,
        about: &mut About,
        suspected: bool,
        belongs: impl Fn(u16) -> bool,
    ) -> Finding {
        if self.lost {
            let names = (0..NAMES).map(|step| {
                Keys::of_probe(self.mark, self.turn.wrapping_add(step), self.setup.database)
            });
            let Some((step, keys)) = (1..).zip(names).find(|(_, keys)| belongs(keys.slot())) else {
                return Finding::Fit;
            };
            (self.turn, self.keys, self.lost) = (self.turn.wrapping_add(step), keys, false);
        }
        let rarely = self.asked.is_multiple_of(RARELY);
        self.asked = self.asked.wrapping_add(1);
        let (client, up) = (connection.pulse(), connection.is_up());
        let extra = async {
            if !rarely {
                return None;
            }
            Some(join!(info(client, "memory"), info(client, "cluster")))
        };
        let commands = async {
            if suspected || !up {
                self.run(connection.commands(), &self.keys).await
            } else {
                Ok(())
            }
        };
        let carried = async { join!(connection.subscribe(self.keys.channel()), commands) };
        let asked =
            async { join!(self.run(client, &self.keys), info(client, "replication"), extra) };
        let (asked, carried) = join!(timeout(TRY, asked), timeout(TRY, carried));
        let Ok((ran, role, extra)) = asked else { return Finding::Silent };
        let (received, commanded) = match carried {
            Ok(carried) => carried,
            Err(_) if up => (Ok(()), Ok(())),
            Err(_) => return Finding::Silent,
        };
        if let Some((memory, cluster)) = extra {
            about.memory = memory.ok().and_then(|memory| Memory::read(&memory));
            self.in_cluster =
                self.setup.alone && cluster.is_ok_and(|cluster| role::is_in_cluster(&cluster));
        }
        let leader = role.ok().and_then(|role| role::leader(&role));
        about.leader =
            leader.as_ref().filter(|leader| leader.hears).map(|leader| leader.server.clone());
        self.in_full = ran.is_ok();
        for (error, counts) in [(ran.err(), true), (received.err(), !up), (commanded.err(), !up)] {
            match error.map_or(Some(Finding::Fit), |error| self.weigh(&error)) {
                Some(Finding::Fit) => {}
                Some(Finding::Silent) if !counts => {}
                Some(finding) => return finding,
                None => self.lost = true,
            }
        }
        if let Some(leader) = leader.filter(|_| !self.setup.clustered) {
            return Finding::Unfit(format!("this server is a replica of {}", leader.server));
        }
        if self.in_cluster && self.lacks_slots(connection).await {
            self.part_of_cluster()
        } else {
            Finding::Fit
        }
    }

    /// Runs the script by its hash, and once on each connection in full.
    async fn run(&self, client: &WithOptions<Client>, keys: &Keys) -> Result<(), Error> {
        let in_full = async || {
            client.eval::<Value, _, _, _>(PROBE.text(), keys.all().to_vec(), ()).await.map(drop)
        };
        if !self.in_full {
            in_full().await?;
        }
        match client.evalsha::<Value, _, _, _>(PROBE.hash(), keys.all().to_vec(), ()).await {
            Err(error) if matches!(classify(&error), ErrorAction::Unknown) => in_full().await,
            answer => answer.map(drop),
        }
    }

    /// What an error says about the server; `None` where only the slot was the wrong one.
    fn weigh(&self, error: &Error) -> Option<Finding> {
        let words = spoken(error);
        let moving = words
            .as_ref()
            .is_some_and(|words| words.starts_with("ASK") || words.starts_with("TRYAGAIN"));
        Some(match (classify(error), words) {
            (ErrorAction::Moved(_), _) if self.setup.clustered => return None,
            (ErrorAction::Again, _) if self.setup.clustered && moving => return None,
            (ErrorAction::Moved(_), _) => self.part_of_cluster(),
            (ErrorAction::Full, _) => Finding::Fit,
            (ErrorAction::Broken(text), None) => Finding::Unfit(text),
            (_, Some(words)) => Finding::Unfit(words),
            (_, None) => Finding::Silent,
        })
    }

    /// Whether other servers have some of the slots.
    async fn lacks_slots(&self, connection: &RedisConnection) -> bool {
        for turn in 1..=SPREAD {
            let ran = self
                .run(connection.pulse(), &Keys::of_probe(self.mark, turn, self.setup.database))
                .await;
            if ran.is_err_and(|error| matches!(classify(&error), ErrorAction::Moved(_))) {
                return true;
            }
        }
        false
    }

    fn part_of_cluster(&self) -> Finding {
        let instead = if self.setup.alone {
            "REDIS_URL must be redis-cluster://"
        } else {
            "the Sentinels name it as a master"
        };
        Finding::Unfit(format!("this server is part of a Cluster: {instead}"))
    }
}
