//! The terminal: taken at the start, given back at the end, on a panic, for the shell and for a password.

use super::guard;
use crossterm::cursor::Show;
use crossterm::event::{DisableMouseCapture, EnableMouseCapture, EventStream};
use crossterm::execute;
use crossterm::style::ResetColor;
use crossterm::terminal::{
    Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use ratatui::backend::CrosstermBackend;
use std::io::{Stdout, stdout};
use std::sync::Once;

/// A terminal that shows the console until this is dropped.
pub struct Terminal {
    /// Where frames are drawn.
    pub(super) screen: ratatui::Terminal<CrosstermBackend<Stdout>>,
    /// Keys and mouse; `None` while the terminal is given away, so that nobody else's input is taken.
    pub(super) inputs: Option<EventStream>,
}

impl Terminal {
    /// Takes the terminal.
    ///
    /// # Errors
    /// When there is none.
    pub fn take() -> std::io::Result<Self> {
        give_back_on_panic();
        enter()?;
        let screen = ratatui::Terminal::new(CrosstermBackend::new(stdout()));
        let screen = match screen {
            Ok(screen) => screen,
            Err(error) => {
                leave();
                return Err(error);
            }
        };
        Ok(Self {
            screen,
            inputs: Some(EventStream::new()),
        })
    }

    /// Gives the terminal away for as long as `meanwhile` takes.
    pub(super) fn lend<T>(&mut self, meanwhile: impl FnOnce() -> T) -> std::io::Result<T> {
        self.inputs = None;
        leave();
        let result = meanwhile();
        enter()?;
        self.inputs = Some(EventStream::new());
        self.repaint()?;
        Ok(result)
    }
}

impl Terminal {
    /// Has every cell drawn anew with the next frame. The library's own way asks the terminal where its cursor is, and a
    /// terminal that does not answer would end the console.
    pub(super) fn repaint(&mut self) -> std::io::Result<()> {
        execute!(stdout(), Clear(ClearType::All))?;
        self.screen = ratatui::Terminal::new(CrosstermBackend::new(stdout()))?;
        Ok(())
    }

    /// Takes the mouse, or leaves it to the terminal for selecting text.
    pub(super) fn mouse(&mut self, on: bool) -> std::io::Result<()> {
        match on {
            true => execute!(stdout(), EnableMouseCapture),
            false => execute!(stdout(), DisableMouseCapture),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        leave();
    }
}

fn enter() -> std::io::Result<()> {
    guard::tell(true);
    enable_raw_mode()?;
    execute!(stdout(), EnterAlternateScreen, EnableMouseCapture)
}

/// Best effort: the terminal may be gone.
fn leave() {
    show_the_shell();
    let _ = disable_raw_mode();
    guard::tell(false);
}

/// The screen, the mouse and the cursor as a shell has them.
pub(super) fn show_the_shell() {
    let _ = execute!(
        stdout(),
        EndSynchronizedUpdate,
        ResetColor,
        DisableMouseCapture,
        LeaveAlternateScreen,
        Show
    );
}

/// The report of a panic is of no use on a screen that vanishes.
fn give_back_on_panic() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            leave();
            before(info);
        }));
    });
}
