//! The kernels of a layer as one weight.

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::Tensor;
use e3x_kernels::dense::DensePlan;

use crate::op::dense::Constant;
use crate::op::stack::{Arrangement, arranged, holds};
use crate::op::tape::Few;
use crate::{Result, trace};

/// Kernels of one shape, `(in_features, features)`, put together when they are used.
#[derive(Debug, Clone)]
pub(crate) struct Kernels {
    each: Vec<Tensor>,
    /// What constants made last. Constants change, too, with the parameters whose memory they share.
    known: Arc<Mutex<Option<Weight>>>,
}

/// Kernels as one tensor.
#[derive(Debug, Clone)]
pub(crate) struct Weight {
    arrangement: Arrangement,
    pub whole: Tensor,
    /// The same packed for products, if it is a constant.
    pub constant: Option<Arc<Constant>>,
}

impl Kernels {
    pub fn new(each: Vec<Tensor>) -> Self {
        Self {
            each,
            known: Arc::default(),
        }
    }

    pub fn each(&self) -> &[Tensor] {
        &self.each
    }

    /// The kernels as the weight of a layer, of these sizes.
    pub fn weight(&self, arrangement: Arrangement, plan: DensePlan) -> Result<Weight> {
        let each: Few<&Tensor> = self.each.iter().collect();
        if each.iter().any(|x| x.track_op()) {
            return Ok(Weight {
                arrangement,
                whole: arranged(&each, arrangement)?,
                constant: None,
            });
        }
        trace::depends_on(&self.each);
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let last = known().clone().filter(|x| x.arrangement == arrangement);
        if let Some(weight) = last
            && holds(&weight.whole, &each, arrangement)?
        {
            return Ok(weight);
        }
        let whole = arranged(&each, arrangement)?;
        let weight = Weight {
            arrangement,
            constant: Constant::new(plan, &whole)?.map(Arc::new),
            whole,
        };
        *known() = Some(weight.clone());
        Ok(weight)
    }
}
