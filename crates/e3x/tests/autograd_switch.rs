//! A thread that used candle's `backward` too early. The only test of this binary: it needs a
//! process in which nothing has set the switch yet.

use candle_core::{Device, Tensor, Var};
use e3x::Error;
use e3x::autograd::{CreateGraph, backward, grad, init, value_and_grad, variable};

fn square() -> e3x::Result<(Tensor, Tensor)> {
    let x = variable(&Tensor::new(&[3.0f64], &Device::Cpu)?)?;
    Ok((x.sqr()?, x))
}

#[test]
fn a_thread_that_went_backward_too_early_gets_an_error_instead_of_wrong_numbers() {
    if std::env::var_os("CANDLE_GRAD_DO_NOT_DETACH").is_some() {
        return; // Somebody set the switch for the whole process: nothing can go wrong.
    }
    let early = std::thread::spawn(|| {
        let x = Var::new(&[3.0f64], &Device::Cpu)?;
        let gradient = x.sqr()?.backward()?.remove(&x);
        assert_eq!(
            gradient.map(|g| g.to_vec1::<f64>()).transpose()?,
            Some(vec![6.0])
        );

        let (y, x) = square()?;
        // Also the second time, and for first derivatives.
        for create_graph in [CreateGraph::No, CreateGraph::Yes, CreateGraph::No] {
            let refused = [
                grad(&y, &[&x], create_graph).err(),
                backward(&y, create_graph).err(),
                value_and_grad(|x| Ok(x[0].sqr()?), &[&x], create_graph).err(),
                init().err(),
            ];
            for error in refused {
                assert!(
                    matches!(error, Some(Error::HigherOrderDisabled)),
                    "{error:?}"
                );
            }
        }
        let message = init().unwrap_err().to_string();
        assert!(message.contains("e3x::autograd::init()"), "{message}");
        Ok::<_, Error>(())
    });
    early.join().unwrap().unwrap();

    // Other threads are not affected.
    let late = std::thread::spawn(|| {
        let (y, x) = square()?;
        let first = grad(&y, &[&x], CreateGraph::Yes)?.remove(0);
        let second = grad(&first, &[&x], CreateGraph::No)?.remove(0);
        Ok::<_, Error>(second.to_vec1::<f64>()?)
    });
    assert_eq!(late.join().unwrap().unwrap(), [2.0]);
}
