//! What is set right when a signal ends the program: a terminal that was
//! changed must not stay so.
//!
//! From the first change on a thread waits for the signals that end programs,
//! does what is to be done, and lets the signal end the program as it does
//! without it. A program that changes no terminal has neither.

#[cfg(unix)]
pub(crate) use unix::{AtEnd, at_end};

#[cfg(unix)]
mod unix {
    use std::sync::{Mutex, MutexGuard, Once, PoisonError};
    use std::thread;

    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    use signal_hook::iterator::Signals;
    use signal_hook::low_level::emulate_default_handler;

    /// A step and its number.
    type Step = (u64, Box<dyn Fn() + Send>);

    /// What is to be done, from the last to the first.
    static TO_DO: Mutex<Vec<Step>> = Mutex::new(Vec::new());

    /// Something to do where a signal ends the program while this value is
    /// there.
    pub(crate) struct AtEnd {
        number: u64,
    }

    pub(crate) fn at_end(restore: impl Fn() + Send + 'static) -> AtEnd {
        static WAITING: Once = Once::new();
        let mut to_do = to_do();
        let number = to_do.last().map_or(0, |(last, _)| last + 1);
        to_do.push((number, Box::new(restore)));
        drop(to_do);
        WAITING.call_once(|| {
            // Without signals the program is as it was before there was this.
            if let Ok(signals) = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM]) {
                thread::spawn(move || wait(signals));
            }
        });
        AtEnd { number }
    }

    impl Drop for AtEnd {
        fn drop(&mut self) {
            to_do().retain(|(number, _)| *number != self.number);
        }
    }

    fn wait(mut signals: Signals) {
        for signal in signals.forever() {
            // Held until the end: nobody changes the terminal again.
            let to_do = to_do();
            for (_, restore) in to_do.iter().rev() {
                restore();
            }
            let _ = emulate_default_handler(signal);
        }
    }

    fn to_do() -> MutexGuard<'static, Vec<Step>> {
        TO_DO.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(not(unix))]
pub(crate) struct AtEnd;

#[cfg(not(unix))]
pub(crate) fn at_end(_: impl Fn() + Send + 'static) -> AtEnd {
    AtEnd
}
