//! The tests of this program again, with all narrower instructions of this processor.

use std::env;
use std::process::Command;

use e3x_so3::Instructions;

#[test]
fn tests_pass_with_narrower_instructions() {
    let (variable, own) = (Instructions::VARIABLE, Instructions::of_process());
    if let Ok(name) = env::var(variable) {
        assert_eq!(own.name(), name, "{variable} is not heard");
        return;
    }
    for narrower in Instructions::available() {
        if narrower == own {
            break;
        }
        let mut program = Command::new(env::current_exe().unwrap());
        let run = program.env(variable, narrower.name()).output().unwrap();
        let output = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success(), "{}:\n{output}", narrower.name());
        // An empty run would prove nothing.
        assert!(output.contains("tests_pass_with_narrower_instructions ... ok"));
    }
}
