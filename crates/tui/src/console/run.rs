//! The loop: it alone owns the terminal, reads the clocks, waits for events, grants wishes and draws.

use super::Config;
use super::app::{App, LinkState, Outcome};
use super::event::{Action, Event};
use super::hands::Hands;
use super::link;
use super::moment::Clock;
use super::probing::REST;
use super::terminal::Terminal;
use crate::failure::Failure;
use crate::place::Place;
use crossterm::event::Event as Input;
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use crossterm::{execute, queue};
use futures::StreamExt as _;
use std::io::stdout;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};
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
    // Looked at again with each tick: a resize that comes together with a key is lost on its way (crossterm reads the key
    // and forgets the signal).
    let mut size = (size.width, size.height);
    let mut app = App::new(config.clone(), size, clock.now());
    let (window, watched) = watch::channel(config.window);
    let follow = link::follow(place.clone(), watched, events.clone(), nudge.clone());
    let hands = Hands::new(place, events, nudge, window);
    draw(&mut terminal, &app, &clock).map_err(lost)?;
    if config.replay.is_none() {
        tokio::spawn(follow);
    }
    hands.watch_signals()?;

    let (mut drawn, mut dirty, mut due) = (Instant::now(), false, Instant::now());
    loop {
        let tick = match app.link {
            LinkState::Open if app.awaits_rest() => REST,
            LinkState::Open => TICK,
            _ if config.replay.is_some() => TICK,
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
        let Some(mut event) = event else { continue };
        if let (Event::Tick, Ok(now)) = (&event, terminal.screen.size())
            && (now.width, now.height) != size
        {
            event = Event::Resize(now.width, now.height);
        }
        if let Event::Resize(width, height) = event {
            size = (width, height);
        }
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
