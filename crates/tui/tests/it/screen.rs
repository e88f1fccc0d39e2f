//! The one door to the console in tests: events in, the text of the screen out.

use crate::fixture::{self, NOW, WINDOW};
use coral_model::{Answer, AnswerBody, Diagnosis, Question, TimeNs};
use coral_tui::client::wants::Wish;
use coral_tui::console::app::{App, Outcome};
use coral_tui::console::change::{Change, Topic};
use coral_tui::console::event::{Action, Event};
use coral_tui::console::glyphs::Glyphs;
use coral_tui::console::link::{LinkEvent, Lost};
use coral_tui::console::moment::Moment;
use coral_tui::console::theme::Palette;
use coral_tui::console::{Config, Replay};
use coral_tui::failure::Failure;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use std::collections::VecDeque;
use std::time::Duration;

pub struct Screen {
    config: Config,
    pub app: App,
    pub now: Moment,
    /// Every question that was asked.
    pub asked: Vec<Question>,
    /// Who answers; `None` leaves questions open.
    pub answers: Option<Answers>,
    /// The wishes that the colony keeps.
    pub wishes: Result<Vec<Wish>, Failure>,
}

/// Answers a question at a moment.
pub type Answers = fn(&Question, TimeNs) -> Result<Answer, Failure>;

/// The fixture's shop.
pub fn shop_answers(question: &Question, now: TimeNs) -> Result<Answer, Failure> {
    Ok(fixture::answer_to(question, now))
}

impl Screen {
    /// A console that has just opened.
    pub fn new(width: u16, height: u16) -> Self {
        let now = Moment {
            wall: NOW,
            up: Duration::ZERO,
        };
        let config = Config {
            colony: "shop".into(),
            socket: "/run/user/1000/coral/shop/colony.sock".into(),
            agent_log: "/home/ada/.local/state/coral/logs/shop/agent.log".into(),
            up_command: "coral --colony shop up".into(),
            window: WINDOW,
            palette: Palette::Many,
            glyphs: Glyphs::Unicode,
            read_only: false,
            zone: TimeZone::fixed(jiff::tz::offset(0)),
            open_at: None,
            replay: None,
        };
        Self {
            app: App::new(config.clone(), (width, height), now),
            config,
            now,
            asked: vec![],
            answers: None,
            wishes: Ok(vec![]),
        }
    }

    /// A console over an incident on disk.
    pub fn replaying(width: u16, height: u16, diagnosis: Diagnosis) -> Self {
        let mut screen = Self::new(width, height);
        let mut config = screen.config.clone();
        config.replay = Some(Replay {
            name: "a \u{1b}[31mname".into(),
            folder: "/tmp/incident".into(),
            answer: Ok(fixture::answer(AnswerBody::Diagnose(diagnosis))),
        });
        screen.app = App::new(config, (width, height), screen.now);
        screen.answers = Some(shop_answers);
        screen.send(Event::Tick);
        screen
    }

    /// A console with a link and these answers.
    pub fn with(
        width: u16,
        height: u16,
        answers: impl IntoIterator<Item = (Topic, Answer)>,
    ) -> Self {
        let mut screen = Self::new(width, height);
        screen.answers = Some(shop_answers);
        screen.send(Event::Link(LinkEvent::Open));
        for (topic, answer) in answers {
            screen.change(Change::Snapshot(topic, answer));
        }
        screen
    }

    /// Another terminal; the app itself is the same.
    pub fn set_look(&mut self, palette: Palette, glyphs: Glyphs) {
        self.app.set_look(palette, glyphs);
    }

    /// Sends an event; questions are answered at once, by whoever answers.
    pub fn send(&mut self, event: Event) -> Outcome {
        let mut outcome = self.app.handle(event, self.now);
        if outcome.actions.contains(&Action::List) {
            outcome.actions.retain(|action| *action != Action::List);
            let listed = Event::Listed(self.wishes.clone());
            outcome
                .actions
                .extend(self.app.handle(listed, self.now).actions);
        }
        let mut open: VecDeque<Question> = VecDeque::new();
        let take = |actions: &mut Vec<Action>, asked: &mut Vec<Question>| {
            let mut questions = vec![];
            actions.retain(|action| match action {
                Action::Ask(question) => {
                    questions.push(question.clone());
                    false
                }
                _ => true,
            });
            asked.extend(questions.clone());
            questions
        };
        open.extend(take(&mut outcome.actions, &mut self.asked));
        while let Some((question, answers)) = open.pop_front().zip(self.answers) {
            let answer = Box::new(answers(&question, self.now.wall));
            let event = Event::Answer { question, answer };
            let mut next = self.app.handle(event, self.now);
            open.extend(take(&mut next.actions, &mut self.asked));
            outcome.actions.extend(next.actions);
        }
        outcome
    }

    pub fn change(&mut self, change: Change) {
        self.send(Event::Link(LinkEvent::Change(Box::new(change))));
    }

    pub fn lose(&mut self, why: Lost) {
        let retry_in = Duration::from_secs(2);
        self.send(Event::Link(LinkEvent::Lost { why, retry_in }));
    }

    /// Time goes by.
    pub fn wait(&mut self, ms: u64) {
        let span = Duration::from_millis(ms);
        self.now = Moment {
            wall: self.now.wall.plus(span),
            up: self.now.up + span,
        };
        self.send(Event::Tick);
    }

    /// Types each character; `\n` is Enter, `\t` Tab, `\x1b` Esc.
    pub fn keys(&mut self, keys: &str) -> Outcome {
        let mut last = Outcome::default();
        for c in keys.chars() {
            let code = match c {
                '\n' => KeyCode::Enter,
                '\t' => KeyCode::Tab,
                '\x1b' => KeyCode::Esc,
                '\x08' => KeyCode::Backspace,
                '→' => KeyCode::Right,
                '←' => KeyCode::Left,
                c => KeyCode::Char(c),
            };
            last = self.send(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)));
        }
        last
    }

    pub fn click(&mut self, column: u16, row: u16) -> Outcome {
        self.send(Event::Mouse(MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column,
            row,
            modifiers: KeyModifiers::NONE,
        }))
    }

    pub fn buffer(&self) -> Buffer {
        let size = self.app.size();
        let mut terminal = Terminal::new(TestBackend::new(size.width, size.height)).unwrap();
        terminal
            .draw(|frame| self.app.draw(frame, self.now))
            .unwrap();
        terminal.backend().buffer().clone()
    }

    /// The screen as text, without blanks at the ends of lines.
    pub fn text(&self) -> String {
        let buffer = self.buffer();
        let mut out = String::new();
        for y in 0..buffer.area.height {
            let mut line = String::new();
            let mut skip = 0;
            for x in 0..buffer.area.width {
                let symbol = buffer[(x, y)].symbol();
                if skip == 0 {
                    line.push_str(symbol);
                    skip = coral_report::text::width(symbol).max(1);
                }
                skip -= 1;
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }

    /// Clicks where this text stands, in the first line that holds it.
    pub fn click_on(&mut self, text: &str) {
        let (line, row) = {
            let row = self.line_of(text);
            (self.text().lines().nth(row.into()).unwrap().to_owned(), row)
        };
        let before = line.split(text).next().unwrap();
        let column = coral_report::text::width(before);
        self.click(u16::try_from(column).unwrap(), row);
    }

    /// The line that holds this text, from 0.
    pub fn line_of(&self, text: &str) -> u16 {
        let at = self.text().lines().position(|line| line.contains(text));
        u16::try_from(at.unwrap_or_else(|| panic!("no {text:?} in\n{}", self.text()))).unwrap()
    }
}
