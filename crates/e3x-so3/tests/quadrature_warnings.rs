//! Which rules of quadrature are chosen, and the warnings when none fits.
//!
//! A logger belongs to the process: one test in a binary of its own.

use std::sync::Mutex;

use e3x_so3::{Quadrature, QuadratureSize, delley_quadrature, lebedev_quadrature};
use log::{Level, LevelFilter, Log, Metadata, Record};

/// Keeps all messages.
struct Messages(Mutex<Vec<(Level, String)>>);

impl Log for Messages {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        self.0
            .lock()
            .unwrap()
            .push((record.level(), record.args().to_string()));
    }

    fn flush(&self) {}
}

static MESSAGES: Messages = Messages(Mutex::new(Vec::new()));

type Rule = fn(QuadratureSize) -> Quadrature;

/// What is asked for, and the precision and number of points that it leads to.
type Request = (QuadratureSize, (usize, usize));

/// Precision and number of points of the rule, and what was logged meanwhile.
fn ask(rule: Rule, size: QuadratureSize) -> ((usize, usize), Vec<(Level, String)>) {
    let quadrature = rule(size);
    assert_eq!(quadrature.points.len(), quadrature.weights.len());
    let messages = std::mem::take(&mut *MESSAGES.0.lock().unwrap());
    ((quadrature.precision, quadrature.points.len()), messages)
}

#[test]
fn rules_are_chosen_by_precision_and_by_number_of_points() {
    use QuadratureSize::{Num, Precision};
    log::set_logger(&MESSAGES).unwrap();
    log::set_max_level(LevelFilter::Trace);

    // The smallest rule that is precise enough, the most precise one that is small enough.
    for (size, expected) in [
        (Precision(0), (3, 6)),
        (Precision(3), (3, 6)),
        (Precision(4), (5, 14)),
        (Precision(32), (35, 434)),
        (Precision(131), (131, 5810)),
        (Num(6), (3, 6)),
        (Num(13), (3, 6)),
        (Num(14), (5, 14)),
        (Num(433), (31, 350)),
        (Num(434), (35, 434)),
        (Num(5810), (131, 5810)),
        (Num(usize::MAX), (131, 5810)),
    ] {
        assert_eq!(
            ask(lebedev_quadrature, size),
            (expected, vec![]),
            "{size:?}"
        );
    }
    for (size, expected) in [
        (Precision(5), (5, 14)),
        (Precision(8), (11, 50)),
        (Precision(101), (101, 3470)),
        (Num(14), (5, 14)),
        (Num(49), (7, 26)),
        (Num(50), (11, 50)),
        (Num(10_000), (101, 3470)),
    ] {
        assert_eq!(ask(delley_quadrature, size), (expected, vec![]), "{size:?}");
    }

    // Otherwise the nearest one, and a warning that says so.
    let families: [(Rule, &str, [Request; 3]); 2] = [
        (
            lebedev_quadrature,
            "Lebedev",
            [
                (Precision(132), (131, 5810)),
                (Num(5), (3, 6)),
                (Num(0), (3, 6)),
            ],
        ),
        (
            delley_quadrature,
            "Delley",
            [
                (Precision(usize::MAX), (101, 3470)),
                (Num(13), (5, 14)),
                (Num(1), (5, 14)),
            ],
        ),
    ];
    for (rule, name, requests) in families {
        for (size, expected) in requests {
            let (found, messages) = ask(rule, size);
            assert_eq!(found, expected, "{size:?}");
            let text = format!(
                "there is no {name} rule for {size:?}, using the nearest one with precision {} and {} points",
                expected.0, expected.1
            );
            assert_eq!(messages, [(Level::Warn, text)]);
        }
    }
}
