//! `sudo coral ...` is `coral ...` by the person who ran sudo, in their folders; only the agent that `up` starts is root.

use crate::failure::Failure;
use coral_config::{Person, SUDO_VARIABLE};

/// Acts as the person behind sudo from here on. Who may start an agent (`keeps_root`) can become root again for that;
/// everybody else is the person for good. Must be called before there are threads.
///
/// # Errors
/// [`Failure`] when sudo names nobody.
pub fn step_back(keeps_root: bool) -> Result<(), Failure> {
    let failed = |e: String| Failure::failed(e, "");
    let Some(person) = Person::behind_sudo().map_err(|e| failed(e.to_string()))? else {
        return Ok(());
    };
    let environment = person.environment();
    for (name, _) in std::env::vars_os() {
        let kept = environment.iter().any(|(kept, _)| *kept == name);
        let sudo = keeps_root && name == SUDO_VARIABLE;
        if !kept && !sudo {
            // SAFETY: no other thread runs yet.
            unsafe { std::env::remove_var(name) };
        }
    }
    for (name, value) in environment {
        // SAFETY: as above.
        unsafe { std::env::set_var(name, value) };
    }
    let stepped = if keeps_root {
        person.act_as_them()
    } else {
        person.become_them()
    };
    stepped.map_err(|e| failed(format!("become the person who ran sudo: {e}")))
}

/// Whether this process can become root again to start the agent.
pub fn can_be_root() -> bool {
    nix::unistd::getuid().is_root()
}
