use std::sync::{Condvar, Mutex, PoisonError};

use ort::session::Session;
use ort::session::builder::{GraphOptimizationLevel, PrepackedWeights, SessionBuilder};
use ort::value::{Outlet, TensorElementType, ValueType};

use super::{OnnxRuntime, VerifiedFile};
use crate::AudioError;

/// An input or output of a graph, as its author declared it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GraphTensor {
    pub(crate) name: String,
    /// -1 where the size is free. `None` if it is no tensor of float32.
    pub(crate) shape: Option<Vec<i64>>,
}

/// A fixed number of sessions of one graph, each on the thread of its borrower. Who finds none free
/// waits for one.
pub(crate) struct SessionPool {
    sessions: Vec<Mutex<Session>>,
    /// Which of them nobody holds.
    idle: Mutex<Vec<usize>>,
    returned: Condvar,
    inputs: Vec<GraphTensor>,
    outputs: Vec<GraphTensor>,
}

impl SessionPool {
    /// Loads the graph `sessions` times (at least once); the weights' packed form is shared.
    pub(crate) fn new(
        file: &VerifiedFile,
        runtime: &OnnxRuntime,
        sessions: usize,
    ) -> Result<Self, AudioError> {
        let refused = |e: ort::Error| AudioError::ModelGraph { path: file.path.clone(), what: e.to_string() };
        let packed = PrepackedWeights::new();
        let open = || options(runtime, &packed)?.commit_from_memory(&file.bytes);
        let first = open().map_err(refused)?;
        let tensors = |outlets: &[Outlet]| outlets.iter().map(GraphTensor::of).collect();
        let (inputs, outputs) = (tensors(first.inputs()), tensors(first.outputs()));
        let mut all = vec![Mutex::new(first)];
        for _ in 1..sessions {
            all.push(Mutex::new(open().map_err(refused)?));
        }
        let idle = Mutex::new((0..all.len()).collect());
        Ok(Self { sessions: all, idle, returned: Condvar::new(), inputs, outputs })
    }

    pub(crate) fn inputs(&self) -> &[GraphTensor] {
        &self.inputs
    }

    pub(crate) fn outputs(&self) -> &[GraphTensor] {
        &self.outputs
    }

    /// Lends a session to `work`, waiting for one if all are out.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Session) -> T) -> T {
        let loan = self.borrow();
        let mut session = self.sessions[loan.index].lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut session)
    }

    fn borrow(&self) -> Loan<'_> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(index) = idle.pop() {
                return Loan { pool: self, index };
            }
            idle = self.returned.wait(idle).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Gives the session back even when the borrower panics.
struct Loan<'a> {
    pool: &'a SessionPool,
    index: usize,
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(self.index);
        self.pool.returned.notify_one();
    }
}

/// One thread a session: parallelism is that of the callers. No memory pattern: it would be kept
/// for every number of frames ever seen.
fn options(runtime: &OnnxRuntime, packed: &PrepackedWeights) -> Result<SessionBuilder, ort::Error> {
    Ok(Session::builder(runtime.environment())?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_intra_threads(1)?
        .with_inter_threads(1)?
        .with_parallel_execution(false)?
        .with_memory_pattern(false)?
        .with_prepacked_weights(packed)?)
}

impl GraphTensor {
    fn of(outlet: &Outlet) -> Self {
        let shape = match outlet.dtype() {
            ValueType::Tensor { ty: TensorElementType::Float32, shape, .. } => Some(shape.to_vec()),
            _ => None,
        };
        Self { name: outlet.name().to_owned(), shape }
    }
}
