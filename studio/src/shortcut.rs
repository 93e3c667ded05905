//! The keyboard: which key means what, and where.

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shortcut {
    /// Moves the highlight one conversation down.
    Next,
    /// Moves the highlight one conversation up.
    Previous,
    /// Opens the highlighted conversation.
    Open,
    /// Leaves whatever is open: a dialog, the composer, the conversation.
    Leave,
    /// Goes to the composer, to write to the visitor.
    Reply,
    /// Goes to the composer, to write to colleagues.
    Note,
    /// Answers from now on.
    TakeOver,
    /// Lets the bot answer again.
    HandBack,
    /// Closes the conversation, or opens it again.
    CloseOrReopen,
    /// Shows or hides what is known about the visitor.
    Details,
    /// Goes to the search field.
    Search,
    /// Shows the conversations that wait.
    ViewUnassigned,
    /// Shows one's own conversations.
    ViewMine,
    /// Shows all conversations.
    ViewAll,
    /// Shows this list.
    Help,
}

/// A key press, as far as shortcuts care.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Press<'a> {
    /// `KeyboardEvent.key`.
    pub(crate) key: &'a str,
    /// Whether Control, Alt or Meta is held: those belong to the browser and to assistive technology.
    pub(crate) has_modifier: bool,
    /// Whether the focus is where letters are typed.
    pub(crate) is_typing: bool,
    /// Whether the focus is on a button or a link, which Enter presses.
    pub(crate) is_on_control: bool,
}

/// Every shortcut with its key as people read it, in the order of the help sheet.
pub(crate) const SHEET: [(&str, &str); 15] = [
    ("j  ↓", "Next conversation"),
    ("k  ↑", "Previous conversation"),
    ("Enter", "Open the highlighted conversation"),
    ("Esc", "Back: leave the field, the dialog or the conversation"),
    ("r", "Reply to the visitor"),
    ("n", "Write a note for colleagues"),
    ("t", "Take over"),
    ("b", "Hand back to the bot"),
    ("e", "Close, or open again"),
    ("d", "Show or hide what is known about the visitor"),
    ("/", "Search; in the composer: canned replies"),
    ("1", "Unassigned"),
    ("2", "Mine"),
    ("3", "All"),
    ("?", "This list"),
];

/// What the key press asks for, if anything. Letters do nothing while text is typed (WCAG 2.1.4).
#[must_use]
pub(crate) fn shortcut(press: Press<'_>) -> Option<Shortcut> {
    if press.has_modifier {
        return None;
    }
    if press.key == "Escape" {
        return Some(Shortcut::Leave);
    }
    if press.is_typing || (press.key == "Enter" && press.is_on_control) {
        return None;
    }
    Some(match press.key {
        "j" | "ArrowDown" => Shortcut::Next,
        "k" | "ArrowUp" => Shortcut::Previous,
        "Enter" => Shortcut::Open,
        "r" => Shortcut::Reply,
        "n" => Shortcut::Note,
        "t" => Shortcut::TakeOver,
        "b" => Shortcut::HandBack,
        "e" => Shortcut::CloseOrReopen,
        "d" => Shortcut::Details,
        "/" => Shortcut::Search,
        "1" => Shortcut::ViewUnassigned,
        "2" => Shortcut::ViewMine,
        "3" => Shortcut::ViewAll,
        "?" => Shortcut::Help,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Press<'_> = Press { key: "", has_modifier: false, is_typing: false, is_on_control: false };

    #[test]
    fn letters_command_only_where_nothing_is_typed() {
        assert_eq!(shortcut(Press { key: "t", ..IDLE }), Some(Shortcut::TakeOver));
        assert_eq!(shortcut(Press { key: "t", is_typing: true, ..IDLE }), None);
        assert_eq!(shortcut(Press { key: "r", has_modifier: true, ..IDLE }), None, "Ctrl+R reloads");
    }

    #[test]
    fn escape_always_leads_out_and_enter_presses_what_has_the_focus() {
        assert_eq!(shortcut(Press { key: "Escape", is_typing: true, ..IDLE }), Some(Shortcut::Leave));
        assert_eq!(shortcut(Press { key: "Enter", ..IDLE }), Some(Shortcut::Open));
        assert_eq!(shortcut(Press { key: "Enter", is_on_control: true, ..IDLE }), None);
    }

    #[test]
    fn the_sheet_names_only_keys_that_do_something() {
        for (keys, meaning) in SHEET {
            let first = keys.split_whitespace().next().unwrap_or_default();
            let key = if first == "Esc" { "Escape" } else { first };
            assert!(shortcut(Press { key, ..IDLE }).is_some(), "{first} ({meaning}) does nothing");
        }
    }
}
