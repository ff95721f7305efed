//! What calls are made from: speakers' clean recordings, noises, rooms, prompts, music.

mod clip;
mod folder;
mod speakers;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

pub(crate) use clip::Clip;
pub use folder::Folder;
pub(crate) use speakers::Speaker;
pub use speakers::Speakers;

use crate::SimulationError;
use crate::draw::CallDraws;

/// How many samples of recordings are kept in memory: 256 MiB. Beyond it they are decoded again.
const KEPT_SAMPLES: usize = 64 << 20;

/// Everything that calls are made from.
#[derive(Debug, Default)]
pub struct Materials {
    speakers: Speakers,
    noises: Folder,
    rooms: Folder,
    prompts: Folder,
    music: Folder,
    kept: Mutex<Kept>,
}

/// Recordings in memory.
#[derive(Debug, Default)]
struct Kept {
    clips: HashMap<PathBuf, Arc<Clip>>,
    sounds: HashMap<PathBuf, Arc<Vec<f32>>>,
    samples: usize,
}

impl Materials {
    /// These people's recordings and nothing else.
    #[must_use]
    pub fn new(speakers: Speakers) -> Self {
        Self { speakers, ..Self::default() }
    }

    /// With recordings of noise.
    #[must_use]
    pub fn with_noises(self, noises: Folder) -> Self {
        Self { noises, ..self }
    }

    /// With room impulse responses.
    #[must_use]
    pub fn with_rooms(self, rooms: Folder) -> Self {
        Self { rooms, ..self }
    }

    /// With prompts of voice menus.
    #[must_use]
    pub fn with_prompts(self, prompts: Folder) -> Self {
        Self { prompts, ..self }
    }

    /// With hold music.
    #[must_use]
    pub fn with_music(self, music: Folder) -> Self {
        Self { music, ..self }
    }

    pub(crate) fn speakers(&self) -> &[Speaker] {
        self.speakers.all()
    }

    pub(crate) fn noises(&self) -> &Folder {
        &self.noises
    }

    pub(crate) fn rooms(&self) -> &Folder {
        &self.rooms
    }

    pub(crate) fn prompts(&self) -> &Folder {
        &self.prompts
    }

    pub(crate) fn music(&self) -> &Folder {
        &self.music
    }

    /// The names of everybody but this speaker.
    pub(crate) fn others<'a>(&'a self, speaker: Option<&'a str>) -> impl Iterator<Item = &'a str> {
        self.speakers().iter().map(Speaker::name).filter(move |name| Some(*name) != speaker)
    }

    /// All recordings of a speaker.
    pub(crate) fn recordings_of(&self, speaker: &str) -> Vec<&Path> {
        let found = self.speakers().iter().find(|s| s.name() == speaker);
        found.map(|s| s.recordings().collect()).unwrap_or_default()
    }

    /// A speaker's recording as a manifest names it: by its path in the list.
    pub(crate) fn name_of(&self, path: &Path) -> String {
        self.speakers.as_listed(path).to_string_lossy().into_owned()
    }

    /// A clean recording of a speaker.
    pub(crate) fn clip(&self, path: &Path) -> Result<Arc<Clip>, SimulationError> {
        if let Some(clip) = self.kept().clips.get(path) {
            return Ok(Arc::clone(clip));
        }
        let clip = Arc::new(Clip::read(path)?);
        let mut kept = self.kept();
        kept.make_room(clip.samples().len());
        kept.clips.insert(path.to_owned(), Arc::clone(&clip));
        Ok(clip)
    }

    /// One of a folder's sounds, drawn for the call, with its name.
    pub(crate) fn choose(
        &self,
        folder: &Folder,
        stage: &str,
        draws: CallDraws<'_>,
    ) -> Result<(String, Arc<Vec<f32>>), SimulationError> {
        let names = draws.order(stage, folder.names());
        let (name, path) = names
            .first()
            .and_then(|name| Some(((*name).to_owned(), folder.path_of(name)?)))
            .ok_or_else(|| folder.unusable("there is no recording in it"))?;
        if let Some(sound) = self.kept().sounds.get(&path) {
            return Ok((name, Arc::clone(sound)));
        }
        let sound = Arc::new(folder::read(&path)?);
        let mut kept = self.kept();
        kept.make_room(sound.len());
        kept.sounds.insert(path, Arc::clone(&sound));
        Ok((name, sound))
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        // What a panicked thread left is whole: entries are inserted in one step.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Forgets everything when the new recording would pass the limit: calls come in the order of
    /// their speakers, so what is old is seldom needed again.
    fn make_room(&mut self, samples: usize) {
        if self.samples + samples > KEPT_SAMPLES {
            self.clips.clear();
            self.sounds.clear();
            self.samples = 0;
        }
        self.samples += samples;
    }
}
