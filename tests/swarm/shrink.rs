//! A world that fails, made smaller piece by piece for as long as it still fails.

use crate::draw::World;

/// How many smaller worlds are tried.
const TRIES: usize = 400;

/// The smallest world that was found in which `fails` still holds.
pub(crate) fn shrink(world: World, fails: impl Fn(&World) -> bool) -> World {
    let mut smallest = world;
    let mut tries = 0;
    'again: loop {
        for smaller in smaller(&smallest) {
            tries += 1;
            if tries > TRIES {
                return smallest;
            }
            if fails(&smaller) {
                smallest = smaller;
                continue 'again;
            }
        }
        return smallest;
    }
}

/// Worlds with one piece less, the largest pieces first.
fn smaller(world: &World) -> Vec<World> {
    let mut all = Vec::new();
    let mut with = |change: &dyn Fn(&mut World)| {
        let mut smaller = world.clone();
        change(&mut smaller);
        all.push(smaller);
    };
    if !world.gateway.is_empty() {
        with(&|world| world.gateway.clear());
    }
    if !world.second_source.is_empty() {
        with(&|world| world.second_source.clear());
    }
    if world.groups.len() > 1 {
        with(&|world| {
            let last = world.groups.len() - 1;
            world.groups.pop();
            world.groups.iter_mut().for_each(|group| group.fallback.retain(|&to| to != last));
            world.two_kinds &= world.groups.len() > 1;
            if world.second_source.contains(&format!("group: g{last},")) {
                world.second_source.clear();
            }
            world.changes.clear();
        });
    }
    if world.two_kinds {
        with(&|world| world.two_kinds = false);
    }
    if !world.changes.is_empty() {
        with(&|world| world.changes.clear());
    }
    if !world.extra.is_empty() {
        with(&|world| world.extra.clear());
    }
    if world.rate > 3 {
        with(&|world| world.rate = (world.rate / 2).max(3));
    }
    for place in 0..world.providers.len() {
        for fault in 0..world.providers[place].faults.len() {
            with(&|world| drop(world.providers[place].faults.remove(fault)));
        }
        if world.providers[place].capacity.is_some() {
            with(&|world| world.providers[place].capacity = None);
        }
        if world.providers[place].limits.is_some() {
            with(&|world| world.providers[place].limits = None);
        }
    }
    smaller_groups(world, &mut with);
    all
}

/// Worlds whose groups have one piece less.
fn smaller_groups(world: &World, with: &mut impl FnMut(&dyn Fn(&mut World))) {
    for place in 0..world.groups.len() {
        let group = &world.groups[place];
        for number in (0..group.deployments.len()).filter(|_| group.deployments.len() > 1) {
            with(&|world| {
                world.groups[place].deployments.remove(number);
                world.changes.clear();
            });
        }
        for number in 0..group.deployments.len() {
            if !group.deployments[number].extra.is_empty() {
                with(&|world| world.groups[place].deployments[number].extra.clear());
            }
        }
        // The default cooldowns are longer than a run: without this line a world would fail for another reason.
        let optional = |number: &usize| !group.policies[*number].starts_with("cooldown");
        for number in (0..group.policies.len()).filter(optional) {
            with(&|world| drop(world.groups[place].policies.remove(number)));
        }
        if !group.fallback.is_empty() {
            with(&|world| {
                world.groups[place].fallback.pop();
            });
        }
    }
}
