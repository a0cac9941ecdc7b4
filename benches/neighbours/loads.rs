//! The loads of the loud tenant.

use std::{future::pending, sync::Arc, time::Duration};

use futures_util::future::{BoxFuture, join_all};
use mailing_groups::pb::{
    AssignMailingGroupRequest, CountSegmentMembersRequest, ListContactsRequest, MailingGroup,
    Selection, SelectionOptions, UpdateMailingGroupRequest, WatchChangesRequest,
    watch_changes_request,
};
use tokio::task::JoinSet;
use tokio_postgres::Client;
use tonic::Request;

use super::{Clients, raw};

/// The loud tenant: 20,000 groups and 100,000 contacts.
pub(crate) struct Loud {
    endpoint: String,
    sql: Arc<Client>,
}

impl Loud {
    pub(crate) async fn fill(endpoint: &str, sql: Client) -> Self {
        let mut clients = Clients::connect(endpoint, "loud").await;
        clients.create_groups("W", 20_000).await;
        let filled = clients.import_contacts("L", 100_000).await;
        filled.expect("contacts are imported");
        Self {
            endpoint: endpoint.to_owned(),
            sql: Arc::new(sql),
        }
    }

    async fn clients(&self) -> Clients {
        Clients::connect(&self.endpoint, "loud").await
    }

    /// Keeps every write of the tenant waiting until the load is stopped.
    async fn hold_writes(&self) {
        let hold = "BEGIN; SELECT FROM clocks JOIN tenants USING (tenant_id) \
            WHERE name = 'loud' FOR UPDATE OF clocks";
        self.sql.batch_execute(hold).await.expect("holds the lock");
    }
}

/// A load.
pub(crate) struct Load {
    pub(crate) name: &'static str,
    pub(crate) start: fn(&Loud) -> BoxFuture<'_, Running>,
}

/// A load that runs.
pub(crate) struct Running {
    callers: JoinSet<()>,
    sql: Option<Arc<Client>>,
}

impl Running {
    /// A number of callers, each on a connection of its own, that call until they are stopped.
    async fn start<F>(loud: &Loud, callers: usize, call: impl Fn(Clients, usize) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut running = JoinSet::new();
        for number in 0..callers {
            running.spawn(call(loud.clients().await, number));
        }
        Self {
            callers: running,
            sql: None,
        }
    }

    pub(crate) async fn stop(mut self) {
        self.callers.shutdown().await;
        if let Some(sql) = self.sql {
            sql.batch_execute("ROLLBACK").await.expect("lets go");
        }
    }
}

/// All loads, by name.
pub(crate) fn all() -> [Load; 9] {
    [
        Load {
            name: "imports",
            start: |loud| Box::pin(imports(loud)),
        },
        Load {
            name: "writes",
            start: |loud| Box::pin(waiting_writes(loud)),
        },
        Load {
            name: "assigns",
            start: |loud| Box::pin(waiting_assigns(loud)),
        },
        Load {
            name: "wildcards",
            start: |loud| Box::pin(wildcards(loud)),
        },
        Load {
            name: "deadlines",
            start: |loud| Box::pin(deadlines(loud)),
        },
        Load {
            name: "unread",
            start: |loud| Box::pin(unread(loud)),
        },
        Load {
            name: "watchers",
            start: |loud| Box::pin(watchers(loud)),
        },
        Load {
            name: "kinds",
            start: |loud| Box::pin(kinds(loud)),
        },
        Load {
            name: "bombs",
            start: |loud| Box::pin(bombs(loud)),
        },
    ]
}

/// 24 streams that import contacts.
async fn imports(loud: &Loud) -> Running {
    Running::start(loud, 24, async |mut clients: Clients, number| {
        for round in 0.. {
            let prefix = format!("I{number:02}X{round:04}Y");
            let _ = clients.import_contacts(&prefix, 100_000).await;
        }
    })
    .await
}

/// 20 writes behind a long one.
async fn waiting_writes(loud: &Loud) -> Running {
    loud.hold_writes().await;
    let mut running = Running::start(loud, 20, async |mut clients: Clients, number| {
        loop {
            let group = MailingGroup {
                code: format!("W{number}"),
                description: "changed".to_owned(),
                ..MailingGroup::default()
            };
            let request = UpdateMailingGroupRequest {
                mailing_group: Some(group),
                ..UpdateMailingGroupRequest::default()
            };
            let _ = clients.groups.update_mailing_group(request).await;
        }
    })
    .await;
    running.sql = Some(Arc::clone(&loud.sql));
    running
}

/// 10,000 assignments behind a long write.
async fn waiting_assigns(loud: &Loud) -> Running {
    loud.hold_writes().await;
    let mut running = Running::start(loud, 40, async |clients: Clients, number| {
        let mut calls = JoinSet::new();
        for at in 0..250 {
            let mut clients = clients.clone();
            calls.spawn(async move {
                loop {
                    let request = AssignMailingGroupRequest {
                        contact_id: format!("L{:06}", number * 250 + at),
                        code: "W1".to_owned(),
                    };
                    if clients.groups.assign_mailing_group(request).await.is_err() {
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                }
            });
        }
        while calls.join_next().await.is_some() {}
    })
    .await;
    running.sql = Some(Arc::clone(&loud.sql));
    running
}

/// 4 callers that count 256 wildcards over 20,000 groups.
async fn wildcards(loud: &Loud) -> Running {
    Running::start(loud, 4, async |mut clients: Clients, _| {
        loop {
            let selection =
                Selection::of_expression(vec!["W*"; 256].join(" OR "), SelectionOptions::default());
            let request = CountSegmentMembersRequest {
                selection: Some(selection),
            };
            let _ = clients.groups.count_segment_members(request).await;
        }
    })
    .await
}

/// 8 callers with deadlines of 4 to 10 ms.
async fn deadlines(loud: &Loud) -> Running {
    Running::start(loud, 8, async |mut clients: Clients, number| {
        loop {
            let mut request = Request::new(ListContactsRequest {
                page_size: 1_000,
                ..ListContactsRequest::default()
            });
            let milliseconds = 4 + u64::try_from(number).unwrap_or_default() % 7;
            request.set_timeout(Duration::from_millis(milliseconds));
            let _ = clients.contacts.list_contacts(request).await;
        }
    })
    .await
}

/// 40 connections with 250 calls each whose answers are not read.
async fn unread(loud: &Loud) -> Running {
    let mut callers = JoinSet::new();
    for _ in 0..40 {
        let endpoint = loud.endpoint.clone();
        callers.spawn(async move { raw::unread(&endpoint, "loud", 250).await });
    }
    Running { callers, sql: None }
}

/// 40 connections with 250 streams each that watch and get nothing, once all are open.
async fn watchers(loud: &Loud) -> Running {
    let mut streams = Vec::new();
    for _ in 0..40 {
        let clients = loud.clients().await;
        let opened = (0..250).map(async |_| {
            let start = watch_changes_request::Start::Now(watch_changes_request::Now {});
            let request = WatchChangesRequest {
                start: Some(start),
                ..WatchChangesRequest::default()
            };
            clients.groups.clone().watch_changes(request).await.ok()
        });
        streams.push(join_all(opened).await);
    }
    let mut callers = JoinSet::new();
    callers.spawn(async move {
        pending::<()>().await;
        drop(streams);
    });
    Running { callers, sql: None }
}

/// 4 callers that watch 400,000 kinds.
async fn kinds(loud: &Loud) -> Running {
    Running::start(loud, 4, async |mut clients: Clients, _| {
        loop {
            let start = watch_changes_request::Start::Revision(0);
            let request = WatchChangesRequest {
                start: Some(start),
                kinds: vec![1; 400_000],
                ..WatchChangesRequest::default()
            };
            if let Ok(answers) = clients.groups.watch_changes(request).await {
                let _ = answers.into_inner().message().await;
            }
        }
    })
    .await
}

/// 10 callers that import 2 million empty contacts in a compressed message.
async fn bombs(loud: &Loud) -> Running {
    let bomb = raw::bomb();
    let mut callers = JoinSet::new();
    for _ in 0..10 {
        let (endpoint, bomb) = (loud.endpoint.clone(), bomb.clone());
        callers.spawn(async move { raw::import(&endpoint, "loud", bomb).await });
    }
    Running { callers, sql: None }
}
