//! Makes an SVG picture of a terminal screen: reads what a program wrote (ANSI), writes the SVG.
//!
//! `cargo run -p coral-tui --example screenshot -- COLUMNS ROWS < screen.ansi > screen.svg`, where `screen.ansi` is a
//! recording (`script -q -c coral screen.ansi` in a terminal of that size), what tmux shows (`tmux capture-pane -e -p`), or a
//! dump of the pseudo-terminal tests (`CORAL_SCREEN_DUMPS=FOLDER cargo test -p coral-tui`).

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use unicode_width::UnicodeWidthStr as _;
use vt100::{Cell, Color, Screen};

/// A character's box, and where its baseline lies in it.
const WIDTH: u32 = 9;
const HEIGHT: u32 = 19;
const BASELINE: u32 = 15;
/// Around the screen.
const MARGIN: u32 = 14;
const FOREGROUND: &str = "#d6deeb";
const BACKGROUND: &str = "#11161d";

/// How a program gives the screen back.
const LEAVE: &[u8] = b"\x1b[?1049l";

/// The 16 colours.
const PALETTE: [&str; 16] = [
    "#1d2733", "#ef6b73", "#7fd88f", "#f0c674", "#6ea8fe", "#c792ea", "#4fd6d6", "#c8d3e0",
    "#6b7a8d", "#ff8a91", "#9fe8ac", "#ffdb8f", "#93c1ff", "#dcb3ff", "#7ff0f0", "#ffffff",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let size: Vec<u16> = std::env::args()
        .skip(1)
        .filter_map(|a| a.parse().ok())
        .collect();
    let &[columns, rows] = size.as_slice() else {
        return Err("usage: screenshot COLUMNS ROWS < screen.ansi > screen.svg".into());
    };
    let mut ansi = vec![];
    std::io::stdin().read_to_end(&mut ansi)?;
    // A recorded full-screen program ends by giving the screen back; its last picture stands before that.
    let end = ansi.windows(LEAVE.len()).rposition(|w| w == LEAVE);
    ansi.truncate(end.unwrap_or(ansi.len()));
    let mut parser = vt100::Parser::new(rows.try_into()?, columns.try_into()?, 0);
    parser.process(&lines(&ansi));
    std::io::stdout().write_all(svg(parser.screen(), columns, rows)?.as_bytes())?;
    Ok(())
}

/// What tmux captures ends its lines without a carriage return.
fn lines(ansi: &[u8]) -> Vec<u8> {
    if ansi.windows(2).any(|pair| pair == b"\r\n") || ansi.starts_with(b"\x1b[?") {
        return ansi.to_vec();
    }
    let end = ansi.strip_suffix(b"\n").unwrap_or(ansi);
    end.iter()
        .flat_map(|&byte| {
            if byte == b'\n' {
                vec![b'\r', b'\n']
            } else {
                vec![byte]
            }
        })
        .collect()
}

fn svg(screen: &Screen, columns: u16, rows: u16) -> Result<String, std::fmt::Error> {
    let (width, height) = (u32::from(columns) * WIDTH, u32::from(rows) * HEIGHT);
    let (full_width, full_height) = (width + 2 * MARGIN, height + 2 * MARGIN);
    let mut out = String::new();
    writeln!(
        out,
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {full_width} {full_height}' width='{full_width}' \
         height='{full_height}' font-family='DejaVu Sans Mono, Menlo, Consolas, monospace' font-size='15'>\n\
         <rect width='100%' height='100%' rx='10' fill='{BACKGROUND}'/>\n\
         <g transform='translate({MARGIN} {MARGIN})' >"
    )?;
    for row in 0..rows {
        line(&mut out, screen, row, columns)?;
    }
    out.push_str("</g>\n</svg>\n");
    Ok(out)
}

/// Backgrounds first, then each stretch of one style as one text, so that the file stays small.
fn line(out: &mut String, screen: &Screen, row: u16, columns: u16) -> std::fmt::Result {
    let y = u32::from(row) * HEIGHT;
    let mut column = 0;
    while column < columns {
        let Some(first) = screen.cell(row, column) else {
            break;
        };
        let (start, style) = (column, Style::of(first));
        let mut text = String::new();
        while let Some(cell) = screen.cell(row, column).filter(|c| Style::of(c) == style) {
            let blank = !cell.has_contents() && !cell.is_wide_continuation();
            text.push_str(if blank { " " } else { cell.contents() });
            column += 1;
            // A wide or block character gets a text of its own: fonts disagree about its width.
            if cell.is_wide() || is_block(cell.contents()) {
                column += u16::from(cell.is_wide());
                break;
            }
            let next = screen.cell(row, column);
            if next.is_some_and(|c| c.is_wide() || is_block(c.contents())) {
                break;
            }
        }
        stretch(
            out,
            &style,
            &text,
            (u32::from(start) * WIDTH, y),
            u32::from(column - start) * WIDTH,
        )?;
    }
    Ok(())
}

fn stretch(
    out: &mut String,
    style: &Style,
    text: &str,
    (x, y): (u32, u32),
    width: u32,
) -> std::fmt::Result {
    if style.background != BACKGROUND {
        writeln!(
            out,
            "<rect x='{x}' y='{y}' width='{width}' height='{HEIGHT}' fill='{}'/>",
            style.background
        )?;
    }
    if let Some(eighths) = block(text) {
        let height = (HEIGHT * eighths).div_ceil(8);
        let top = y + HEIGHT - height;
        return writeln!(
            out,
            "<rect x='{x}' y='{top}' width='{width}' height='{height}' fill='{}'/>",
            style.color
        );
    }
    let weight = if style.bold {
        " font-weight='bold'"
    } else {
        ""
    };
    let faint = if style.dim { " opacity='0.6'" } else { "" };
    let (baseline, color) = (y + BASELINE, &style.color);
    for (at, word) in words(text) {
        let x = x + at * WIDTH;
        let width = u32::try_from(word.width()).unwrap_or(0) * WIDTH;
        let escaped = word.replace('&', "&amp;").replace('<', "&lt;");
        writeln!(
            out,
            "<text x='{x}' y='{baseline}' fill='{color}'{weight}{faint} textLength='{width}'>{escaped}</text>"
        )?;
    }
    Ok(())
}

/// The words of a text and the columns where they begin: a picture need not keep spaces.
fn words(text: &str) -> Vec<(u32, &str)> {
    let mut column = 0;
    let mut words = vec![];
    for word in text.split(' ') {
        if !word.is_empty() {
            words.push((column, word));
        }
        column += u32::try_from(word.width()).unwrap_or(0) + 1;
    }
    words
}

/// How many eighths of its box a block character fills from below.
fn block(text: &str) -> Option<u32> {
    let c = text.chars().next().filter(|_| text.chars().count() == 1)?;
    (('▁'..='█').contains(&c)).then(|| u32::from(c) - u32::from('▁') + 1)
}

fn is_block(text: &str) -> bool {
    block(text).is_some()
}

/// How a cell is drawn.
#[derive(PartialEq)]
struct Style {
    color: String,
    background: String,
    bold: bool,
    dim: bool,
}

impl Style {
    fn of(cell: &Cell) -> Self {
        let mut color = css(cell.fgcolor(), FOREGROUND);
        let mut background = css(cell.bgcolor(), BACKGROUND);
        if cell.inverse() {
            std::mem::swap(&mut color, &mut background);
        }
        Self {
            color,
            background,
            bold: cell.bold(),
            dim: cell.dim(),
        }
    }
}

fn css(color: Color, default: &str) -> String {
    match color {
        Color::Default => default.to_owned(),
        Color::Rgb(r, g, b) => format!("#{r:02x}{g:02x}{b:02x}"),
        Color::Idx(i @ 0..=15) => PALETTE[usize::from(i)].to_owned(),
        Color::Idx(i @ 16..=231) => {
            let (cube, level) = (i - 16, |v: u8| if v == 0 { 0 } else { 55 + 40 * v });
            format!(
                "#{:02x}{:02x}{:02x}",
                level(cube / 36),
                level(cube / 6 % 6),
                level(cube % 6)
            )
        }
        Color::Idx(i) => {
            let grey = 8 + 10 * (i - 232);
            format!("#{grey:02x}{grey:02x}{grey:02x}")
        }
    }
}
