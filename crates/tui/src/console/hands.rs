//! What grants wishes: everything that only the loop can do, beside drawing.

use super::clipboard;
use super::event::{Action, Event};
use super::terminal::Terminal;
use crate::client::wants::Wish;
use crate::client::{self, wants};
use crate::failure::{Code, Failure};
use crate::lifecycle::privilege::{self, AgentStart};
use crate::lifecycle::{agent_command, up};
use crate::place::Place;
use coral_model::{Answer, Observed, Question, ServiceKey, TimeNs, Want};
use nix::sys::signal::{Signal, raise};
use std::io::stdout;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Mutex, Notify, mpsc, watch};
use tonic::transport::Channel;

pub(super) struct Hands {
    place: Place,
    events: mpsc::Sender<Event>,
    nudge: Arc<Notify>,
    /// The window that the link watches.
    window: watch::Sender<Duration>,
    /// One channel for all questions; `None` until the first, and after the link broke.
    channel: Arc<Mutex<Option<Channel>>>,
    /// Ctrl-C at the password prompt is meant for sudo, not for the console.
    lent: Arc<AtomicBool>,
}

impl Hands {
    pub(super) fn new(
        place: Place,
        events: mpsc::Sender<Event>,
        nudge: Arc<Notify>,
        window: watch::Sender<Duration>,
    ) -> Self {
        Self {
            place,
            events,
            nudge,
            window,
            channel: Arc::default(),
            lent: Arc::default(),
        }
    }

    pub(super) fn grant(&self, action: Action, terminal: &mut Terminal) -> std::io::Result<()> {
        match action {
            Action::Quit => {}
            Action::Suspend => terminal.lend(suspend)?,
            Action::Repaint => terminal.repaint()?,
            Action::Mouse(on) => terminal.mouse(on)?,
            Action::Watch(window) => drop(self.window.send_replace(window)),
            Action::Ask(question) => self.ask(question),
            Action::Note { at, service, text } => self.note(at, service, &text),
            Action::Wish { id, want } => self.wish(id, want),
            Action::List => self.list(),
            Action::Detach(id) => self.detach(id),
            Action::LookAtProfile(id) => self.look_at(id),
            Action::EndProfile(id) => self.end(id),
            Action::Copy { what, text } => self.copy(what, &text)?,
            Action::Save { name, bytes } => self.say(save(&name, &bytes)),
            Action::FindPrivilege => {
                let events = self.events.clone();
                tokio::spawn(async move {
                    let found = tokio::task::spawn_blocking(privilege::probe).await;
                    let found = found.unwrap_or(Some(AgentStart::Direct));
                    events.send(Event::Privilege(found)).await
                });
            }
            Action::AskPassword => {
                let start = match agent_command(&self.place) {
                    Ok(command) => {
                        self.lent.store(true, Ordering::Relaxed);
                        let start = terminal.lend(|| privilege::ask(&command))?;
                        self.lent.store(false, Ordering::Relaxed);
                        start
                    }
                    Err(_) => AgentStart::Direct,
                };
                self.start(start);
            }
            Action::Start(agent) => self.start(agent),
        }
        Ok(())
    }

    fn ask(&self, question: Question) {
        let (place, events) = (self.place.clone(), self.events.clone());
        let channel = self.channel.clone();
        tokio::spawn(async move {
            let answer = Box::new(ask(&place, &channel, &question).await);
            events.send(Event::Answer { question, answer }).await
        });
    }

    fn note(&self, at: Option<TimeNs>, service: Option<ServiceKey>, text: &str) {
        let (place, events) = (self.place.clone(), self.events.clone());
        let text = Observed::new(text);
        let want = Want::Note { at, service, text };
        tokio::spawn(async move {
            let id = crate::commands::note::id(crate::commands::now());
            let put = wants::put_at(&place, &id, &want).await;
            let said = match put {
                Ok(()) => Ok("written down; it is on page 3".to_owned()),
                Err(failure) => Err(format!("not written down: {}", failure.message)),
            };
            events.send(Event::Said(said)).await
        });
    }

    /// Puts a wish.
    fn wish(&self, id: String, want: Want) {
        let (place, events) = (self.place.clone(), self.events.clone());
        tokio::spawn(async move {
            let put = wants::put_at(&place, &id, &want).await;
            let said = put.map(|()| ("pending".to_owned(), String::new()));
            events.send(Event::Wished { id, said }).await
        });
    }

    /// Says what agents say of a wish; one that is not listed says nothing.
    fn look_at(&self, id: String) {
        let (place, events) = (self.place.clone(), self.events.clone());
        tokio::spawn(async move {
            let Ok(channel) = client::connect(&place).await else {
                return;
            };
            let all = wants::list(channel).await.unwrap_or_default();
            if let Some(wish) = all.into_iter().find(|wish| wish.id == id) {
                let said = Ok((wish.state, wish.reason));
                let _ = events.send(Event::Wished { id, said }).await;
            }
        });
    }

    /// Lists the wishes that the colony keeps.
    fn list(&self) {
        let (place, events) = (self.place.clone(), self.events.clone());
        let kept = self.channel.clone();
        tokio::spawn(async move {
            let listed = list(&place, &kept).await;
            events.send(Event::Listed(listed)).await
        });
    }

    /// Takes a probe's wish back, and says what is left.
    fn detach(&self, id: String) {
        let (place, events) = (self.place.clone(), self.events.clone());
        let kept = self.channel.clone();
        tokio::spawn(async move {
            let done = match channel(&place, &kept).await {
                Ok(channel) => wants::withdraw(channel, &id).await,
                Err(failure) => Err(failure),
            };
            let said = match done {
                Ok(()) => Ok(format!("detached {id}")),
                Err(failure) => Err(format!("not detached: {}", failure.message)),
            };
            let _ = events.send(Event::Said(said)).await;
            let listed = list(&place, &kept).await;
            events.send(Event::Listed(listed)).await
        });
    }

    /// Takes a wish back; one that is gone already needs no word.
    fn end(&self, id: String) {
        let place = self.place.clone();
        tokio::spawn(async move {
            let channel = client::connect(&place).await?;
            wants::withdraw(channel, &id).await
        });
    }

    fn copy(&self, what: &str, text: &str) -> std::io::Result<()> {
        let told = clipboard::tell(&mut stdout(), text)?;
        let file = clipboard::keep(&self.place.folder.run, text);
        let said = match (told, file) {
            (true, Some(file)) => Ok(format!("copied the {what}; also in {}", file.display())),
            (true, None) => Ok(format!("copied the {what}")),
            (false, Some(file)) => Ok(format!("too long for the clipboard: {}", file.display())),
            (false, None) => Err(format!("the {what} is too long for the clipboard")),
        };
        self.say(said);
        Ok(())
    }

    fn say(&self, said: Result<String, String>) {
        let events = self.events.clone();
        tokio::spawn(async move { events.send(Event::Said(said)).await });
    }

    fn start(&self, agent: AgentStart) {
        let (events, nudge) = (self.events.clone(), self.nudge.clone());
        let plan = up::Plan {
            place: self.place.clone(),
            shop: None,
            agent,
        };
        tokio::spawn(async move {
            let result = up::up(&plan).await.map(drop);
            nudge.notify_one();
            events.send(Event::Started(result)).await
        });
    }

    pub(super) fn watch_signals(&self) -> Result<(), Failure> {
        for kind in [
            SignalKind::terminate(),
            SignalKind::hangup(),
            SignalKind::interrupt(),
        ] {
            let mut signals =
                signal(kind).map_err(|e| Failure::failed(format!("wait for signals: {e}"), ""))?;
            let (events, lent) = (self.events.clone(), self.lent.clone());
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    if kind == SignalKind::interrupt() && lent.load(Ordering::Relaxed) {
                        continue;
                    }
                    if events.send(Event::Terminate).await.is_err() {
                        return;
                    }
                }
            });
        }
        Ok(())
    }
}

async fn ask(
    place: &Place,
    kept: &Mutex<Option<Channel>>,
    question: &Question,
) -> Result<Answer, Failure> {
    let answer = client::ask_over(channel(place, kept).await?, question).await;
    forget_broken(&answer, kept).await;
    answer
}

async fn list(place: &Place, kept: &Mutex<Option<Channel>>) -> Result<Vec<Wish>, Failure> {
    let listed = wants::list(channel(place, kept).await?).await;
    forget_broken(&listed, kept).await;
    listed
}

/// The channel that is kept, or a new one.
async fn channel(place: &Place, kept: &Mutex<Option<Channel>>) -> Result<Channel, Failure> {
    let mut kept = kept.lock().await;
    Ok(match &*kept {
        Some(channel) => channel.clone(),
        None => kept.insert(client::connect(place).await?).clone(),
    })
}

async fn forget_broken<T>(answer: &Result<T, Failure>, kept: &Mutex<Option<Channel>>) {
    if matches!(answer, Err(failure) if failure.code == Code::NotReachable) {
        *kept.lock().await = None;
    }
}

/// Writes a new file where the console was started, else where files may be written.
fn save(name: &str, bytes: &[u8]) -> Result<String, String> {
    let here = Path::new(name).to_path_buf();
    let elsewhere = std::env::temp_dir().join(name);
    let mut why = String::new();
    for file in [here, elsewhere] {
        match clipboard::write_new(&file, bytes) {
            Ok(()) => {
                let shown = std::path::absolute(&file).unwrap_or(file);
                return Ok(format!("written to {}", shown.display()));
            }
            Err(error) => why = format!("{}: {error}", file.display()),
        }
    }
    Err(format!("not written: {why}"))
}

/// Stops this process until the shell lets it go on.
fn suspend() {
    let _ = raise(Signal::SIGTSTP);
}
