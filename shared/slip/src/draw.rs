//! The laid out pages, drawn.

use krilla::Document;
use krilla::color::luma;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;

use crate::font::Faces;
use crate::layout::{Item, Page, PaperSize};
use crate::{SlipError, text};

const BLACK: u8 = 0;
const GREY: u8 = 96;
const RULE_HEIGHT: f32 = 0.5;

pub(crate) fn page(
    document: &mut Document,
    items: &Page,
    size: PaperSize,
    faces: &Faces<'_>,
) -> Result<(), SlipError> {
    let (width, height) = size.points();
    let settings = PageSettings::from_wh(width, height).ok_or(SlipError::Page)?;
    let mut page = document.start_page_with(settings);
    let mut surface = page.surface();
    for item in items {
        match item {
            Item::Text { x, baseline, size, grey, line } => {
                ink(&mut surface, if *grey { GREY } else { BLACK });
                write(&mut surface, *x, *baseline, *size, line, faces);
            }
            Item::Rule { x, y, width } => {
                ink(&mut surface, GREY);
                bar(&mut surface, *x, *y, *width, RULE_HEIGHT);
            }
            Item::Bars { x, y, height, module, widths } => {
                ink(&mut surface, BLACK);
                let mut x = *x;
                for (at, width) in widths.iter().enumerate() {
                    let width = f32::from(*width) * module;
                    if at.is_multiple_of(2) {
                        bar(&mut surface, x, *y, width, *height);
                    }
                    x += width;
                }
            }
        }
    }
    surface.finish();
    page.finish();
    Ok(())
}

fn ink(surface: &mut Surface<'_>, lightness: u8) {
    surface.set_fill(Some(Fill {
        paint: luma::Color::new(lightness).into(),
        opacity: NormalizedF32::ONE,
        rule: Default::default(),
    }));
}

fn bar(surface: &mut Surface<'_>, x: f32, y: f32, width: f32, height: f32) {
    let Some(rect) = Rect::from_xywh(x, y, width, height) else { return };
    let mut path = PathBuilder::new();
    path.push_rect(rect);
    if let Some(path) = path.finish() {
        surface.draw_path(&path);
    }
}

fn write(
    surface: &mut Surface<'_>,
    x: f32,
    baseline: f32,
    size: f32,
    line: &text::Shaped,
    faces: &Faces<'_>,
) {
    let mut x = x;
    for run in &line.runs {
        if let Some(face) = faces.get(run.face) {
            let start = Point::from_xy(x, baseline);
            surface.draw_glyphs(start, &run.glyphs, face.font.clone(), &run.text, size, false);
        }
        x += run.width_em * size;
    }
}
