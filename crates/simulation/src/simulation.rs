//! All calls of a plan.

use std::path::Path;

use crate::call::Studio;
use crate::codec::AmrLibrary;
use crate::design::{CallDesign, calls};
use crate::output::{Writer, work};
use crate::{Materials, OutputFormat, Plan, SimulatedCall, SimulationError, Summary};

/// A plan with what its calls are made from.
#[derive(Debug)]
pub struct Simulation {
    plan: Plan,
    materials: Materials,
    seed: u64,
    format: OutputFormat,
    amr: Option<AmrLibrary>,
    calls: Vec<CallDesign>,
}

impl Simulation {
    /// Lays out the calls. Loads the AMR library when the plan has AMR in it.
    ///
    /// # Errors
    /// [`SimulationError::NoSpeakers`], [`SimulationError::Limit`] or
    /// [`SimulationError::CodecLibrary`].
    pub fn new(
        plan: Plan,
        materials: Materials,
        seed: u64,
        format: OutputFormat,
    ) -> Result<Self, SimulationError> {
        let calls = calls(plan.settings(), &materials, format)?;
        let chains = plan.settings().codecs.iter().filter(|codec| codec.weight > 0.0);
        let has_amr = chains.flat_map(|codec| &codec.chain).any(|name| name.starts_with("amr"));
        let amr = if has_amr { Some(AmrLibrary::load()?) } else { None };
        Ok(Self { plan, materials, seed, format, amr, calls })
    }

    /// How many calls there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Makes the call with this number, from 0; none past the last.
    ///
    /// # Errors
    /// [`SimulationError::Recording`], [`SimulationError::NoSpeech`], [`SimulationError::Folder`] or
    /// [`SimulationError::Codec`].
    pub fn call(&self, number: usize) -> Result<Option<SimulatedCall>, SimulationError> {
        self.calls.get(number).map(|call| self.studio().make(call)).transpose()
    }

    /// Makes all calls on so many threads and writes them, the manifest and the lists into a folder,
    /// which is made. `made` hears of each call, in order.
    ///
    /// # Errors
    /// As [`Simulation::call`], and [`SimulationError::Output`]. What was written before stays.
    pub fn write(
        &self,
        folder: &Path,
        threads: usize,
        made: impl FnMut(usize),
    ) -> Result<Summary, SimulationError> {
        let writer = Writer::new(folder, self.format, &self.calls)?;
        let facts = work(&self.studio(), &self.calls, threads, &writer, made)?;
        crate::lists::write(&writer, self.plan.settings(), &self.materials, self.seed, &self.calls, &facts)?;
        Ok(Summary::of(&self.calls, &facts))
    }

    fn studio(&self) -> Studio<'_> {
        Studio {
            plan: self.plan.settings(),
            materials: &self.materials,
            seed: self.seed,
            amr: self.amr.as_ref(),
        }
    }
}
