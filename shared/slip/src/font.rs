//! The fonts: DejaVu Sans, which is built in (Latin, Greek, Cyrillic, Armenian, Georgian, Hebrew, Arabic and more), and
//! what an operator puts beside it for other scripts, Chinese, Japanese and Korean above all.

use std::path::Path;
use std::sync::Arc;

use krilla::text::Font;
use rustybuzz::Face;

use crate::SlipError;

/// All fonts of a directory together.
const BYTES_MAX: u64 = 128 * 1024 * 1024;

/// The fonts that slips are written in. Reading them is work for the start of a process.
#[derive(Clone, Default)]
pub struct Fonts {
    /// In the order in which they are tried, after the built-in one.
    others: Vec<Arc<Vec<u8>>>,
}

impl std::fmt::Debug for Fonts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fonts(built in, and {} more)", self.others.len())
    }
}

impl Fonts {
    /// The built-in font, then every font file of the directory (`.ttf`, `.otf`; of a collection, `.ttc`, its first), in the
    /// order of their names. Without such a directory: the built-in one. The names of what cannot be read are given too.
    pub fn with_directory(directory: &Path) -> (Self, Vec<String>) {
        let mut files: Vec<_> = std::fs::read_dir(directory)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| {
                let extension = path.extension().and_then(|text| text.to_str()).unwrap_or_default();
                ["ttf", "otf", "ttc"].contains(&extension.to_ascii_lowercase().as_str())
            })
            .collect();
        files.sort();
        let (mut fonts, mut refused, mut bytes_sum) = (Self::default(), Vec::new(), 0_u64);
        for file in files {
            let size = std::fs::metadata(&file).map(|metadata| metadata.len()).unwrap_or(u64::MAX);
            bytes_sum = bytes_sum.saturating_add(size);
            let bytes = if bytes_sum <= BYTES_MAX { std::fs::read(&file).ok() } else { None };
            match bytes.filter(|bytes| Face::from_slice(bytes, 0).is_some()) {
                Some(bytes) => fonts.others.push(Arc::new(bytes)),
                None => refused.push(file.display().to_string()),
            }
        }
        (fonts, refused)
    }

    pub(crate) fn faces(&self) -> Result<Faces<'_>, SlipError> {
        let built_in = |bytes: &'static [u8]| {
            Some(LoadedFace { shaper: Face::from_slice(bytes, 0)?, font: Font::new(bytes.into(), 0)? })
        };
        let other = |bytes: &'_ Arc<Vec<u8>>| Font::new(Arc::clone(bytes).into(), 0);
        let mut all = Vec::with_capacity(self.others.len() + 2);
        for bytes in [dejavu::sans::regular(), dejavu::sans::bold()] {
            all.push(built_in(bytes).ok_or(SlipError::Font)?);
        }
        for bytes in &self.others {
            let shaper = Face::from_slice(bytes, 0).ok_or(SlipError::Font)?;
            all.push(LoadedFace { shaper, font: other(bytes).ok_or(SlipError::Font)? });
        }
        Ok(Faces { all })
    }
}

pub(crate) struct LoadedFace<'f> {
    pub shaper: Face<'f>,
    pub font: Font,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    Regular,
    Bold,
}

/// The fonts of one slip, opened: the built-in one in two weights, then the others, which have one.
pub(crate) struct Faces<'f> {
    all: Vec<LoadedFace<'f>>,
}

impl<'f> Faces<'f> {
    pub fn get(&self, index: usize) -> Option<&LoadedFace<'f>> {
        self.all.get(index)
    }

    pub fn first(weight: Weight) -> usize {
        match weight {
            Weight::Regular => 0,
            Weight::Bold => 1,
        }
    }

    fn has(&self, index: usize, letter: char) -> bool {
        self.get(index).is_some_and(|face| face.shaper.glyph_index(letter).is_some())
    }

    /// Which font writes the letter: the one in use if it can, else the first that can; `None` if none can.
    pub fn for_letter(&self, letter: char, in_use: usize, weight: Weight) -> Option<usize> {
        let others = 2..self.all.len();
        let mut candidates = [in_use, Self::first(weight)].into_iter().chain(others);
        candidates.find(|&index| self.has(index, letter))
    }
}
