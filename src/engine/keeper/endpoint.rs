//! An endpoint of STS that is in trouble: who tries it next, and who waits for that.

use super::Keeper;
use crate::engine::config::model::Entry;
use crate::engine::place::Place;
use crate::engine::schedule::CALLS_AT_ONCE;
use crate::engine::time::WallTime;

impl Keeper {
    /// Nothing but its turn is missing; an endpoint in trouble takes one call at a time.
    pub(super) fn queue(&mut self, index: usize, now: WallTime) {
        let place = Place::of(&self.kept[index].entry);
        match self.endpoints.get(&place) {
            Some(gate) => {
                if gate.is_open(now) {
                    self.agenda.hopeful.insert(index);
                } else {
                    self.bar_by_endpoint(index, &place, now);
                }
                let last_try = self.kept[index].gate.last_try();
                self.agenda.probing.entry(place).or_default().file(index, Some(last_try));
            }
            None => {
                self.agenda.ready.insert(index);
            }
        }
    }

    fn bar_by_endpoint(&mut self, index: usize, endpoint: &Place, now: WallTime) {
        let Some(trouble) = self.endpoints.get(endpoint).and_then(|gate| gate.trouble()).cloned() else { return };
        self.asked_in_vain(index);
        self.share(index, &trouble, now);
    }

    /// An endpoint in trouble is asked by one call at a time, and by another profile each time: one role that always
    /// fails cannot hide that the others would succeed. Answers whether there was anything to do.
    pub(super) fn probe(&mut self, now: WallTime) -> bool {
        let next = self.agenda.probing.iter().find_map(|(place, queue)| {
            let busy =
                |index: &usize| self.kept[*index].call.as_ref().is_some_and(|call| Place::of(&call.entry) == *place);
            let open = self.endpoints.get(place).is_none_or(|gate| gate.is_open(now));
            if !open || self.agenda.calling.iter().any(busy) {
                return None;
            }
            // Whose source is on its way has its turn when that has come.
            let next = queue.in_order().find(|index| !self.resolving.contains_key(&self.kept[*index].entry.source));
            next.map(|index| (place.clone(), index))
        });
        let Some((place, index)) = next.filter(|_| self.agenda.calling.len() < CALLS_AT_ONCE) else { return false };
        if let Some(queue) = self.agenda.probing.get_mut(&place) {
            queue.file(index, None);
            if queue.is_empty() {
                self.agenda.probing.remove(&place);
            }
        }
        self.call_if_open(index, now);
        true
    }

    /// It has answered.
    pub(super) fn clear_endpoint(&mut self, entry: &Entry) {
        self.agenda.places_changed |= self.endpoints.remove(&Place::of(entry)).is_some();
    }
}
