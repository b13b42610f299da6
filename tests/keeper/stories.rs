//! What the keeper promises, each as a short story on the virtual workstation.

mod changes;
mod clocks;
mod files;
mod orders;
mod outages;
mod people;
mod waves;

use crate::world::World;
use evertoken::engine::status::State;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

fn states(world: &World) -> Vec<State> {
    world.keeper.profiles(world.local()).into_iter().map(|profile| profile.state).collect()
}
