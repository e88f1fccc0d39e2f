//! The loop: it alone owns the terminal, reads the clocks, waits for events, grants wishes and draws.

use super::Config;
use super::app::{App, LinkState, Outcome};
use super::event::{Action, Event};
use super::link;
use super::moment::Clock;
use super::terminal::Terminal;
use crate::client;
use crate::failure::Failure;
use crate::lifecycle::privilege::{self, AgentStart};
use crate::lifecycle::{agent_command, up};
use crate::place::Place;
use coral_model::{Question, ServiceKey, Span};
use crossterm::event::Event as Input;
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use crossterm::{execute, queue};
use futures::StreamExt as _;
use nix::sys::signal::{Signal, raise};
use std::io::stdout;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep_until};

/// Waiting events; when they are full the link waits, and the colony cuts a reader that is too slow.
const EVENTS_MAX: usize = 256;
/// At most some 30 frames a second for data, more for the answer to a key.
const FRAME: Duration = Duration::from_millis(33);
const KEY_FRAME: Duration = Duration::from_millis(8);
/// The clock on the screen, and the count-down while there is no link.
const TICK: Duration = Duration::from_secs(1);
const TICK_WAITING: Duration = Duration::from_millis(250);

/// Shows the console until the person leaves it.
pub(super) async fn run(place: Place, config: Config) -> Result<(), Failure> {
    let lost = |e: std::io::Error| Failure::failed(format!("use the terminal: {e}"), "");
    let mut terminal = Terminal::take().map_err(lost)?;
    let (events, mut waiting) = mpsc::channel(EVENTS_MAX);
    let nudge = Arc::new(Notify::new());
    let clock = Clock::start();
    let size = terminal.screen.size().map_err(lost)?;
    let mut app = App::new(config.clone(), (size.width, size.height), clock.now());
    let follow = link::follow(place.clone(), config.window, events.clone(), nudge.clone());
    let hands = Hands {
        place,
        config,
        events,
        nudge,
        lent: Arc::default(),
    };
    draw(&mut terminal, &app, &clock).map_err(lost)?;
    tokio::spawn(follow);
    hands.watch_signals()?;

    let (mut drawn, mut dirty, mut due) = (Instant::now(), false, Instant::now());
    loop {
        let tick = match app.link {
            LinkState::Open => TICK,
            _ => TICK_WAITING,
        };
        let wake = if dirty { due } else { drawn + tick };
        let event = tokio::select! {
            input = next_input(&mut terminal) => match input {
                Some(Ok(input)) => read(input),
                _ => Some(Event::Terminate),
            },
            event = waiting.recv() => event,
            () = sleep_until(wake) => Some(Event::Tick),
        };
        let Some(event) = event else { continue };
        let typed = matches!(event, Event::Key(_) | Event::Mouse(_) | Event::Resize(..));
        let was_tick = matches!(event, Event::Tick);
        let mut outcome = app.handle(event, clock.now());
        while let Ok(event) = waiting.try_recv() {
            outcome.join(app.handle(event, clock.now()));
        }
        for action in outcome.actions {
            if action == Action::Quit {
                return Ok(());
            }
            hands.grant(action, &mut terminal).map_err(lost)?;
        }
        if outcome.draw {
            let at = drawn + if typed { KEY_FRAME } else { FRAME };
            due = if dirty { due.min(at) } else { at };
            dirty = true;
        }
        if dirty && Instant::now() >= due {
            draw(&mut terminal, &app, &clock).map_err(lost)?;
            (drawn, dirty) = (Instant::now(), false);
        } else if was_tick && !dirty {
            drawn = Instant::now();
        }
    }
}

fn draw(terminal: &mut Terminal, app: &App, clock: &Clock) -> std::io::Result<()> {
    let now = clock.now();
    // The terminal shows the frame at once or not at all, so nothing flickers; one that does not know this ignores it.
    queue!(stdout(), BeginSynchronizedUpdate)?;
    terminal.screen.draw(|frame| app.draw(frame, now))?;
    execute!(stdout(), EndSynchronizedUpdate)
}

async fn next_input(terminal: &mut Terminal) -> Option<std::io::Result<Input>> {
    match &mut terminal.inputs {
        Some(inputs) => inputs.next().await,
        None => std::future::pending().await,
    }
}

fn read(input: Input) -> Option<Event> {
    match input {
        Input::Key(key) => Some(Event::Key(key)),
        Input::Mouse(mouse) => Some(Event::Mouse(mouse)),
        Input::Resize(width, height) => Some(Event::Resize(width, height)),
        Input::FocusGained | Input::FocusLost | Input::Paste(_) => None,
    }
}

impl Outcome {
    fn join(&mut self, later: Self) {
        self.draw |= later.draw;
        self.actions.extend(later.actions);
    }
}

/// What grants wishes.
struct Hands {
    place: Place,
    config: Config,
    events: mpsc::Sender<Event>,
    nudge: Arc<Notify>,
    /// Ctrl-C at the password prompt is meant for sudo, not for the console.
    lent: Arc<AtomicBool>,
}

impl Hands {
    fn grant(&self, action: Action, terminal: &mut Terminal) -> std::io::Result<()> {
        match action {
            Action::Quit => {}
            Action::Suspend => terminal.lend(suspend)?,
            Action::Repaint => terminal.screen.clear()?,
            Action::AskRoutes(service) => self.ask_routes(service),
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

    fn ask_routes(&self, service: ServiceKey) {
        let (place, events) = (self.place.clone(), self.events.clone());
        let span = Span::Last(self.config.window);
        tokio::spawn(async move {
            let question = Question::Metrics {
                span,
                service: full_name(&service),
            };
            let answer = client::ask(&place, &question).await;
            events.send(Event::Routes { service, answer }).await
        });
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

    fn watch_signals(&self) -> Result<(), Failure> {
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

/// Stops this process until the shell lets it go on.
fn suspend() {
    let _ = raise(Signal::SIGTSTP);
}

/// A service as questions name it: its name, after its namespace when it has one.
fn full_name(service: &ServiceKey) -> String {
    match service.namespace.raw() {
        "" => service.name.raw().to_owned(),
        namespace => format!("{namespace}/{}", service.name.raw()),
    }
}
