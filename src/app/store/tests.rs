//! Tests of the store, with several stores on one folder.

use super::*;
use crate::app::user::User;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

/// A folder that goes when the test does.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Place {
        let path =
            std::env::temp_dir().join(format!("threadbare-store-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Place(path)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.join("users")).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn opened(folder: &Place) -> Store {
    let store = Store::at(&folder.0);
    store.prepare().unwrap();
    store
}

fn user(name: &str, id: u64) -> Vec<u8> {
    let user = User { first_name: name.into(), last_name: "".into(), email: "a@b".into() };
    user.to_json(id).into_bytes()
}

fn text(id: u64) -> Vec<u8> {
    user("Ada", id)
}

#[test]
fn what_is_stored_can_be_read_replaced_and_deleted() {
    let folder = Place::new("crud");
    let store = opened(&folder);
    assert_eq!(store.create(text).unwrap(), (1, text(1)));
    assert_eq!(store.read(1).unwrap().unwrap(), text(1));
    let unchanged = |current: &[u8]| current == text(1);
    assert_eq!(store.replace(1, &user("new", 1), &unchanged).unwrap(), Change::Done);
    assert_eq!(store.replace(1, &user("newer", 1), &unchanged).unwrap(), Change::Refused);
    assert_eq!(store.delete(1, &unchanged).unwrap(), Change::Refused);
    assert_eq!(store.read(1).unwrap().unwrap(), user("new", 1));
    assert_eq!(store.delete(1, &|_| true).unwrap(), Change::Done);
    assert_eq!(store.delete(1, &|_| true).unwrap(), Change::Missing);
    assert_eq!(store.replace(1, b"x", &|_| true).unwrap(), Change::Missing);
    assert_eq!(store.read(1).unwrap(), None);
    assert_eq!(folder.names(), ["last-id"]);
}

#[test]
fn ids_are_never_handed_out_twice() {
    let folder = Place::new("ids");
    let store = opened(&folder);
    let other = opened(&folder);
    assert_eq!(store.create(text).unwrap().0, 1);
    assert_eq!(other.create(text).unwrap().0, 2);
    other.delete(2, &|_| true).unwrap();
    assert_eq!(store.create(text).unwrap().0, 3, "not 2, though another server deleted it");
    store.delete(3, &|_| true).unwrap();
    drop((store, other));
    assert_eq!(opened(&folder).create(text).unwrap().0, 4);
    fs::remove_file(folder.0.join("users/last-id")).unwrap();
    assert_eq!(opened(&folder).create(text).unwrap().0, 5);
}

#[test]
fn ids_end_and_do_not_begin_again() {
    let folder = Place::new("end");
    drop(opened(&folder));
    fs::write(folder.0.join("users/last-id"), (HIGHEST_ID - 1).to_string()).unwrap();
    let store = opened(&folder);
    assert_eq!(store.create(text).unwrap().0, HIGHEST_ID);
    assert!(store.create(text).is_err());
    assert!(store.create(text).is_err());
}

#[test]
fn ids_that_no_server_gave_count_for_nothing() {
    let folder = Place::new("foreign");
    drop(opened(&folder));
    for name in [u64::MAX, u64::MAX - 1, HIGHEST_ID + 1] {
        fs::write(folder.0.join(format!("users/{name}.json")), text(name)).unwrap();
    }
    fs::write(folder.0.join("users/last-id"), u64::MAX.to_string()).unwrap();
    fs::write(folder.0.join("users/007.json"), text(7)).unwrap();
    let store = opened(&folder);
    assert_eq!(store.create(text).unwrap().0, 1);
    assert_eq!(store.page(0, 9).unwrap().users.len(), 1);
}

#[test]
fn the_id_of_a_user_that_could_not_be_stored_is_given_to_the_next() {
    let folder = Place::new("unburnt");
    let store = opened(&folder);
    let (id, reserved) = store.reserve().unwrap();
    assert_eq!((id, store.create(text).unwrap().0), (1, 2), "another one is not given it");
    drop(reserved);
    drop(store.reserve().unwrap());
    assert_eq!(store.create(text).unwrap().0, 3);
    assert_eq!(folder.names(), ["2.json", "3.json", "last-id"]);
}

#[test]
fn two_servers_and_many_threads_lose_nothing() {
    let folder = Place::new("many");
    let stores = [opened(&folder), opened(&folder)].map(Arc::new);
    let threads: Vec<_> = (0..8)
        .map(|number| {
            let store = Arc::clone(&stores[number % 2]);
            thread::spawn(move || {
                (0..25).map(|_| store.create(text).unwrap().0).collect::<Vec<_>>()
            })
        })
        .collect();
    let mut ids: Vec<u64> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids, (1..=200).collect::<Vec<_>>());
    assert!(ids.iter().all(|&id| stores[0].read(id).unwrap().unwrap() == text(id)));
}

#[test]
fn readers_wait_for_no_lock_and_changes_do_not_wait_for_ever() {
    let folder = Place::new("stopped");
    let store = opened(&folder);
    store.create(text).unwrap();
    let stopped = File::open(folder.0.join("users/last-id")).unwrap();
    stopped.lock().unwrap();
    assert_eq!(store.page(0, 9).unwrap().users.len(), 1);
    assert_eq!(store.read(1).unwrap().unwrap(), text(1));
    assert!(matches!(store.create(text), Err(StoreError::Busy)));
    drop(stopped);
    assert_eq!(store.create(text).unwrap().0, 2);
    assert_eq!(folder.names(), ["1.json", "2.json", "last-id"]);
}

#[test]
fn one_thread_waits_for_another_server_and_the_others_give_up_early() {
    let folder = Place::new("turns");
    let store = opened(&folder);
    let stopped = File::open(folder.0.join("users/last-id")).unwrap();
    stopped.lock().unwrap();
    let begun = std::time::Instant::now();
    thread::scope(|scope| {
        let waits: Vec<_> = (0..20)
            .map(|_| {
                scope.spawn(|| {
                    let outcome = store.create(text);
                    assert!(matches!(outcome, Err(StoreError::Busy)), "{outcome:?}");
                    begun.elapsed()
                })
            })
            .collect();
        let mut waits: Vec<_> = waits.into_iter().map(|wait| wait.join().unwrap()).collect();
        waits.sort();
        assert!(waits[18] < waits[19] / 2, "{waits:?}");
    });
}

#[test]
fn pages_go_over_gaps() {
    let folder = Place::new("pages");
    let store = opened(&folder);
    for _ in 0..10 {
        store.create(text).unwrap();
    }
    for id in [2, 3, 9, 10] {
        store.delete(id, &|_| true).unwrap();
    }
    let ids = |page: &Page| page.users.iter().map(|(id, _)| *id).collect::<Vec<_>>();
    let page = store.page(0, 3).unwrap();
    assert_eq!((ids(&page), page.next_after), (vec![1, 4, 5], Some(5)));
    let page = store.page(5, 3).unwrap();
    assert_eq!((ids(&page), page.next_after), (vec![6, 7, 8], Some(8)));
    let page = store.page(8, 3).unwrap();
    assert_eq!((ids(&page), page.next_after), (vec![], None));
    assert_eq!(store.page(u64::MAX, 3).unwrap().users.len(), 0);
}

#[test]
fn a_page_behind_many_deletions_is_found_by_a_list() {
    let folder = Place::new("gap");
    let store = opened(&folder);
    store.create(text).unwrap();
    fs::write(folder.0.join("users/last-id"), "9000000000000000\n").unwrap();
    for id in [5_000_000_000, 5_000_000_001, 9_000_000_000_000_000] {
        fs::write(store.folder.of(id), text(id)).unwrap();
    }
    let ids = |page: &Page| page.users.iter().map(|(id, _)| *id).collect::<Vec<_>>();
    let page = store.page(0, 2).unwrap();
    assert_eq!((ids(&page), page.next_after), (vec![1, 5_000_000_000], Some(5_000_000_000)));
    let page = store.page(5_000_000_000, 2).unwrap();
    assert_eq!((ids(&page), page.next_after), (vec![5_000_000_001, 9_000_000_000_000_000], None));
    store.delete(9_000_000_000_000_000, &|_| true).unwrap();
    let page = store.page(5_000_000_001, 2).unwrap();
    assert_eq!((ids(&page), page.next_after), (vec![], None));
}

#[test]
fn a_page_looks_at_so_many_broken_files_and_no_more() {
    let folder = Place::new("broken");
    let store = opened(&folder);
    for id in 1..=MOST_LOOKED_AT as u64 + 1 {
        fs::write(store.folder.of(id), "").unwrap();
    }
    fs::remove_file(folder.0.join("users/last-id")).unwrap();
    let page = store.page(0, 9).unwrap();
    assert_eq!((page.users.len(), page.next_after), (0, Some(MOST_LOOKED_AT as u64)));
    assert_eq!(store.page(1_000, 9).unwrap().next_after, None);
}

#[test]
fn what_the_dead_left_is_cleared_and_what_the_living_write_is_not() {
    let folder = Place::new("abandoned");
    let store = opened(&folder);
    let mut living = Temporary::of_change(store.folder.path(), 7).unwrap();
    living.write(b"half").unwrap();
    let (_, reserved) = store.reserve().unwrap();
    for left in [".1-1.tmp", ".9.tmp"] {
        fs::write(folder.0.join("users").join(left), "left by a dead one").unwrap();
    }
    let other = opened(&folder);
    assert_eq!(folder.names().len(), 3, "{:?}", folder.names());
    drop((living, reserved, other));
    assert_eq!(folder.names(), ["last-id"]);
}

#[test]
fn a_name_that_was_given_away_is_not_removed() {
    let folder = Place::new("given");
    let store = opened(&folder);
    let one = Temporary::of_change(store.folder.path(), 7).unwrap();
    let name = folder.names()[0].clone();
    let two = Temporary::of_change(store.folder.path(), 7).unwrap();
    assert_eq!(folder.names().len(), 3, "each has a name of its own");
    one.rename_to(&store.folder.of(7)).unwrap();
    let again = folder.0.join("users").join(name);
    fs::write(&again, "of somebody else").unwrap();
    drop(two);
    assert_eq!(fs::read(&again).unwrap(), b"of somebody else");
    assert_eq!(folder.names().len(), 3);
}
