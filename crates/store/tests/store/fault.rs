//! Full disks, locks, lost connections, kills, foreign schemas, bad rows.

use std::process::{Command, Stdio};

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use portico_domain::Refusal;
use portico_store::{Access, AppendError, BackupError, MigrateError, OpenError, Options, Store, StoreError};

use crate::bed::*;

on_both! {
    async fn a_locked_database_refuses_for_now_and_recovers(bed) {
        append(&bed.store, as_visitor(1).says(1, "before")).await;
        let mut other = bed.raw().await;
        if bed.url.starts_with("sqlite:") {
            other.run("BEGIN IMMEDIATE").await;
        } else {
            other.run("BEGIN; LOCK TABLE entry IN EXCLUSIVE MODE").await;
        }
        let error = bed.store.append(as_visitor(1).says(2, "during")).await.unwrap_err();
        let AppendError::Unavailable(error) = error else { panic!("{error}") };
        assert!(error.retry_after_ms().is_some(), "{error}");
        assert_eq!(words(&bed.store, 1).await, ["before"], "reading goes on");
        other.run("ROLLBACK").await;
        append(&bed.store, as_visitor(1).says(2, "during")).await;
        append(&bed.store, as_visitor(1).says(3, "after")).await;
        assert_eq!(words(&bed.store, 1).await, ["before", "during", "after"]);
    }

    /// Were it stored, it would overtake what its sender is only now told to send again.
    async fn what_waits_behind_a_failed_batch_fails_with_it(bed) {
        append(&bed.store, as_visitor(1).says(1, "before")).await;
        let mut other = bed.raw().await;
        if bed.url.starts_with("sqlite:") {
            other.run("BEGIN IMMEDIATE").await;
        } else {
            other.run("BEGIN; LOCK TABLE entry IN EXCLUSIVE MODE").await;
        }
        let mut first = Box::pin(bed.store.append(as_visitor(1).says(2, "first")));
        assert!((&mut first).now_or_never().is_none());
        // The writer takes it, and waits for the lock.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let mut second = Box::pin(bed.store.append(as_visitor(1).says(3, "second")));
        assert!((&mut second).now_or_never().is_none());
        assert!(matches!(first.await, Err(AppendError::Unavailable(_))));
        other.run("ROLLBACK").await;
        assert!(matches!(second.await, Err(AppendError::Unavailable(_))), "it overtook the first");
        assert_eq!(words(&bed.store, 1).await, ["before"]);
    }

    async fn what_does_not_fit_the_queue_is_told_to_come_back(bed) {
        // On this one thread nothing is taken from the queue before all have asked.
        let asks = (0..9_000).map(|id| bed.store.append(as_visitor(id % 50).says(id, "hi")));
        let answers = join_all(asks).await;
        let overloaded = |answer: &&Result<_, AppendError>| {
            matches!(answer, Err(AppendError::Unavailable(error @ StoreError::Overloaded)) if error.retry_after_ms().is_some())
        };
        let refused = answers.iter().filter(overloaded).count();
        let stored = answers.iter().filter(|answer| answer.is_ok()).count();
        assert!(refused > 0);
        assert_eq!(refused + stored, 9_000);
        let mut logged = 0;
        for number in 0..50 {
            logged += log(&bed.store, number).await.len();
        }
        assert_eq!(logged, stored);
    }

    async fn a_bad_row_is_named_and_hurts_only_its_own_conversation(bed) {
        append(&bed.store, as_visitor(1).says(1, "one")).await;
        append(&bed.store, as_visitor(2).says(2, "two")).await;
        bed.tamper("UPDATE entry SET body = 'not json' WHERE words = 'one'").await;
        let error = bed.store.entries().newest(conversation(1), 50).await.unwrap_err();
        assert!(matches!(&error, StoreError::BadRow { table: "entry", column: "body", id } if *id == message_id(1).to_string()), "{error}");
        assert_eq!(words(&bed.store, 2).await, ["two"]);
        bed.tamper("UPDATE conversation SET owner = '{' WHERE preview = 'one'").await;
        let other = bed.second_node().await;
        let both = [as_visitor(1).says(3, "three"), as_visitor(2).says(4, "four")];
        let [first, second] = join_all(both.map(|each| other.append(each))).await.try_into().unwrap();
        let AppendError::Unavailable(error) = first.unwrap_err() else { panic!("refused") };
        let expected = format!("the database holds a bad row: conversation.owner of {}", conversation(1));
        assert_eq!(error.to_string(), expected);
        assert_eq!(second.unwrap().main_entry().sequence, 2);
    }

    async fn a_schema_from_the_future_is_refused_with_the_reason(bed) {
        bed.store.migrate().await.expect("migrating again changes nothing");
        bed.tamper(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             SELECT 99, 'from the future', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1",
        ).await;
        let error = bed.store.migrate().await.unwrap_err();
        assert!(matches!(error, MigrateError::NewerSchema { found: 99, .. }), "{error}");
        assert!(error.to_string().contains("start the newer version"));
    }

    async fn closing_stores_what_is_queued_and_takes_nothing_more(bed) {
        let store = bed.store.clone();
        let asks = (0..100).map(|id| store.append(as_visitor(1).says(id, "hi")));
        let (answers, ()) = futures_util::future::join(join_all(asks), bed.store.close()).await;
        assert!(answers.iter().all(Result::is_ok));
        let late = store.append(as_visitor(1).says(200, "late")).await;
        assert!(matches!(late, Err(AppendError::Unavailable(StoreError::Closed))));
        assert_eq!(log(&bed.second_node().await, 1).await.len(), 100);
    }

    async fn one_callers_mistake_costs_the_others_nothing(bed) {
        let key = portico_store::BrandKey { id: "x".into(), sealed: vec![0], created_at: at(0), retired_at: None };
        let nobody = "nobody".parse().unwrap();
        let brands = bed.store.brands();
        let (bad, good) = futures_util::future::join(
            brands.add_key(&nobody, &key),
            bed.store.append(as_visitor(1).says(1, "hi")),
        ).await;
        assert!(bad.is_err());
        assert!(good.is_ok());
        assert_eq!(words(&bed.store, 1).await, ["hi"]);
    }

    /// A child process appends and tells what was acknowledged, until it is killed in the middle of it.
    async fn what_was_acknowledged_before_a_kill_is_there_once_and_in_order(bed) {
        const CHILD: &str = "fault::the_child_that_appends_until_it_is_killed";
        bed.store.close().await;
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", CHILD, "--nocapture", "--test-threads=1"])
            .env(CHILD_URL, &bed.url)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut acknowledged = Vec::new();
        let lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
        for line in lines.map_while(Result::ok) {
            let Some(id) = line.strip_prefix("acknowledged ") else { continue };
            acknowledged.push(id.parse::<u64>().unwrap());
            if acknowledged.len() == 500 {
                // The rest of what it said before it died is read too: that was acknowledged as well.
                child.kill().unwrap();
            }
        }
        assert!(!child.wait().unwrap().success());
        assert!(acknowledged.len() >= 500);
        let store = bed.second_node().await;
        for id in &acknowledged {
            let again = append(&store, as_visitor(id % 10).says(*id, &id.to_string())).await;
            assert!(again.was_duplicate, "{id} was acknowledged and is lost");
        }
        for number in 0..10 {
            let words = words(&store, number).await;
            let ids: Vec<u64> = words.iter().map(|word| word.parse().unwrap()).collect();
            assert!(ids.is_sorted_by(|left, right| left < right), "doubled or out of order: {ids:?}");
        }
    }
}

const CHILD_URL: &str = "PORTICO_STORE_TEST_URL";

/// Does nothing unless it is run as a child of the test above.
#[tokio::test]
async fn the_child_that_appends_until_it_is_killed() {
    let Ok(url) = std::env::var(CHILD_URL) else { return };
    let store = Store::open(&options(&url).for_tool()).await.unwrap();
    let speakers = (0..10).map(|number| {
        let store = store.clone();
        async move {
            for turn in 0..100_000 {
                let id = turn * 10 + number;
                append(&store, as_visitor(number).says(id, &id.to_string())).await;
                println!("acknowledged {id}");
            }
        }
    });
    join_all(speakers).await;
}

#[tokio::test]
async fn a_second_server_on_one_folder_is_refused_and_a_tool_is_not() {
    let bed = Bed::sqlite().await;
    let error = Store::open(&options(&bed.url)).await.unwrap_err();
    let OpenError::InUse { lock } = &error else { panic!("{error}") };
    assert_eq!(lock.file_name().unwrap(), "portico.lock");
    assert!(error.to_string().contains("another server is running on this data folder"));
    let tool = Store::open(&Options { access: Access::Tool, ..options(&bed.url) }).await.unwrap();
    tool.brands().save(&brand(), "{}", at(0)).await.unwrap();
    assert!(bed.store.brands().find(&brand()).await.unwrap().is_some());
    let Bed { url, store, _folder } = bed;
    store.close().await;
    drop(store);
    Store::open(&options(&url)).await.expect("the first server has ended");
}

#[tokio::test]
async fn an_unknown_kind_of_address_is_refused() {
    for url in ["", "portico.db", "mysql://localhost/portico"] {
        let error = Store::open(&Options::new(url)).await.unwrap_err();
        assert!(matches!(error, OpenError::UnknownScheme), "{url}: {error}");
    }
    let error = Store::open(&Options::new("sqlite:/proc/nowhere/portico.db")).await.unwrap_err();
    assert!(matches!(error, OpenError::Folder { .. }), "{error}");
    let error = Store::open(&Options::new("postgres://nobody@localhost:1/none")).await.unwrap_err();
    assert!(matches!(error, OpenError::Database(_)), "{error}");
}

#[tokio::test]
async fn a_backup_is_a_whole_database_and_overwrites_nothing() {
    let bed = Bed::sqlite().await;
    append(&bed.store, as_visitor(1).says(1, "keep me")).await;
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("it's a backup.db");
    bed.store.backup(&to).await.unwrap();
    append(&bed.store, as_visitor(1).says(2, "after")).await;
    let copy = Store::open(&options(&format!("sqlite:{}", to.display()))).await.unwrap();
    copy.migrate().await.unwrap();
    assert_eq!(words(&copy, 1).await, ["keep me"]);
    assert!(matches!(bed.store.backup(&to).await, Err(BackupError::Exists { .. })));
    let postgres = Bed::postgres().await;
    let elsewhere = folder.path().join("other.db");
    assert!(matches!(postgres.store.backup(&elsewhere).await, Err(BackupError::NotSqlite)));
}

#[tokio::test]
async fn a_lost_postgres_connection_is_made_again() {
    let bed = Bed::postgres().await;
    append(&bed.store, as_visitor(1).says(1, "before")).await;
    let mut raw = bed.raw().await;
    let others = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()";
    assert!(raw.number(others).await > 0);
    append(&bed.store, as_visitor(1).says(2, "after")).await;
    assert_eq!(words(&bed.store, 1).await, ["before", "after"]);
}

/// Needs a file system of its own to fill: as root in a mount of memory, else in nothing at all.
#[tokio::test]
async fn a_full_disk_refuses_appends_keeps_reading_and_recovers() {
    let Some(disk) = SmallDisk::mount() else { return };
    let url = format!("sqlite:{}", disk.folder.path().join("portico.db").display());
    let store = Store::open(&options(&url)).await.unwrap();
    store.migrate().await.unwrap();
    append(&store, as_visitor(1).says(1, "before")).await;
    let ballast = disk.folder.path().join("ballast");
    let filled = std::io::copy(&mut std::io::repeat(0), &mut std::fs::File::create(&ballast).unwrap());
    assert_eq!(filled.unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    let mut id = 1;
    let error = loop {
        id += 1;
        assert!(id < 10_000, "a full disk refuses nothing");
        if let Err(error) = store.append(as_visitor(1).says(id, &"long ".repeat(500))).await {
            break error;
        }
    };
    let AppendError::Unavailable(error) = error else { panic!("{error}") };
    assert!(error.to_string().contains("full"), "{error}");
    assert!(error.retry_after_ms().is_some());
    let stored = log(&store, 1).await.len();
    assert_eq!(stored as u64, id - 1, "what was acknowledged is readable, what was refused is not there");
    assert_eq!(refusal(&store, as_visitor(1).edits(999, 998, "x")).await, Refusal::UnknownTarget);
    std::fs::remove_file(&ballast).unwrap();
    append(&store, as_visitor(1).says(id, "after")).await;
    assert_eq!(words(&store, 1).await.last().unwrap(), "after");
    store.close().await;
}

struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mount = ["-t", "tmpfs", "-o", "size=2m", "tmpfs"];
        let mounted = Command::new("mount").args(mount).arg(folder.path()).stderr(Stdio::null()).status();
        mounted.is_ok_and(|status| status.success()).then_some(Self { folder })
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the database's files may still be open.
        let _ = Command::new("umount").arg("--lazy").arg(self.folder.path()).status();
    }
}
