//! The face in the tree: how wide a text is, and how it is set on a bitmap.
//!
//! On bitmaps plotters puts glyphs on whole pixels and leaves their side bearing out, so that letters
//! touch; here they stand where the face wants them. Its circles have stairs for edges; ours are smooth.

use ab_glyph::{Font, FontRef, Glyph, PxScale, ScaleFont, point};
use plotters::backend::BitMapBackend;
use plotters_backend::text_anchor::HPos;
use plotters_backend::{
    BackendColor, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontStyle,
};
use std::sync::OnceLock;

pub(crate) const REGULAR: &[u8] = include_bytes!("../../assets/Inter-Regular.otf");
pub(crate) const SEMIBOLD: &[u8] = include_bytes!("../../assets/Inter-SemiBold.otf");

/// Plotters takes the height of a line for the size of a font, at so many times its em.
pub(super) const LINE_OF_EM: f64 = 1.24;

/// How wide a text is, at an em of `size` pixels.
pub(super) fn width(text: &str, size: f64, bold: bool) -> f64 {
    set(text, face(bold), size as f32).1.into()
}

/// The text, cut so that it is no wider than `most`, with an ellipsis if it was.
pub(super) fn cut(text: &str, size: f64, bold: bool, most: f64) -> String {
    if width(text, size, bold) <= most {
        return text.to_owned();
    }
    let ends = text.char_indices().map(|(end, _)| format!("{}…", text[..end].trim_end()));
    let mut fitting = ends.take_while(|cut| width(cut, size, bold) <= most);
    let first = fitting.next().unwrap_or_default();
    fitting.last().unwrap_or(first)
}

/// The text in lines that are no wider than `most`, broken between words; a word that is wider is cut.
pub(super) fn wrap(text: &str, size: f64, bold: bool, most: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let longer = lines.last().map(|line| format!("{line} {word}"));
        match (longer, lines.last_mut()) {
            (Some(longer), Some(line)) if width(&longer, size, bold) <= most => *line = longer,
            _ => lines.push(cut(word, size, bold, most)),
        }
    }
    lines
}

/// The texts, each no wider than `most`, with an ellipsis where something was left out: in the end, or in the middle
/// where two of them would be the same.
pub(super) fn distinct(texts: &[&str], size: f64, bold: bool, most: f64) -> Vec<String> {
    let ends: Vec<_> = texts.iter().map(|text| cut(text, size, bold, most)).collect();
    let is_alone = |place: usize| ends.iter().filter(|other| **other == ends[place]).count() == 1;
    let all = texts.iter().enumerate().map(|(place, text)| match is_alone(place) {
        true => ends[place].clone(),
        false => cut_middle(text, size, bold, most),
    });
    all.collect()
}

/// The text, with an ellipsis in place of its middle if it is wider than `most`: names differ in their ends.
fn cut_middle(text: &str, size: f64, bold: bool, most: f64) -> String {
    let letters: Vec<_> = text.chars().collect();
    let kept = |count: usize| {
        let head: String = letters[..count / 3].iter().collect();
        let tail: String = letters[letters.len() - (count - count / 3)..].iter().collect();
        format!("{head}…{tail}")
    };
    if width(text, size, bold) <= most {
        return text.to_owned();
    }
    let fitting = (0..letters.len()).rev().map(kept).find(|cut| width(cut, size, bold) <= most);
    fitting.unwrap_or_default()
}

fn face(bold: bool) -> &'static FontRef<'static> {
    static FACES: OnceLock<[FontRef<'static>; 2]> = OnceLock::new();
    let faces = FACES.get_or_init(|| {
        [REGULAR, SEMIBOLD].map(|bytes| {
            FontRef::try_from_slice(bytes)
                .unwrap_or_else(|_| unreachable!("the faces in the tree can be read"))
        })
    });
    &faces[usize::from(bold)]
}

/// The glyphs of a text on a line from the origin on, and how far they go.
fn set(text: &str, face: &FontRef<'_>, size: f32) -> (Vec<Glyph>, f32) {
    let line_of_em = face.height_unscaled() / face.units_per_em().unwrap_or(1_000.0);
    let scale = PxScale::from(size * line_of_em);
    let scaled = face.as_scaled(scale);
    let (mut x, mut last, mut glyphs) = (0.0, None, Vec::with_capacity(text.len()));
    for letter in text.chars() {
        let id = scaled.glyph_id(letter);
        x += last.map_or(0.0, |last| scaled.kern(last, id));
        glyphs.push(id.with_scale_and_position(scale, point(x, 0.0)));
        x += scaled.h_advance(id);
        last = Some(id);
    }
    (glyphs, x)
}

/// A bitmap on which text is set well.
pub(super) struct Bitmap<'a>(pub(super) BitMapBackend<'a>);

type Failed<'a> = DrawingErrorKind<<BitMapBackend<'a> as DrawingBackend>::ErrorType>;

impl<'a> DrawingBackend for Bitmap<'a> {
    type ErrorType = <BitMapBackend<'a> as DrawingBackend>::ErrorType;

    fn get_size(&self) -> (u32, u32) {
        self.0.get_size()
    }

    fn ensure_prepared(&mut self) -> Result<(), Failed<'a>> {
        self.0.ensure_prepared()
    }

    fn present(&mut self) -> Result<(), Failed<'a>> {
        self.0.present()
    }

    fn draw_pixel(&mut self, at: (i32, i32), ink: BackendColor) -> Result<(), Failed<'a>> {
        self.0.draw_pixel(at, ink)
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: (i32, i32),
        to: (i32, i32),
        style: &S,
    ) -> Result<(), Failed<'a>> {
        self.0.draw_line(from, to, style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        from: (i32, i32),
        to: (i32, i32),
        style: &S,
        fill: bool,
    ) -> Result<(), Failed<'a>> {
        self.0.draw_rect(from, to, style, fill)
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        (x, y): (i32, i32),
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Result<(), Failed<'a>> {
        let (radius, ink) = (f64::from(radius), style.color());
        let half_stroke = f64::from(style.stroke_width()) / 2.0;
        let reach = (radius + half_stroke).ceil() as i32 + 1;
        for (right, down) in (-reach..=reach).flat_map(|x| (-reach..=reach).map(move |y| (x, y))) {
            let outside = f64::from(right).hypot(f64::from(down)) - radius;
            let beyond = if fill { outside } else { outside.abs() - half_stroke };
            let alpha = ink.alpha * (0.5 - beyond).clamp(0.0, 1.0);
            if alpha > 0.0 {
                self.0.draw_pixel((x + right, y + down), BackendColor { alpha, ..ink })?;
            }
        }
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        (x, y): (i32, i32),
    ) -> Result<(), Failed<'a>> {
        let face = face(matches!(style.style(), FontStyle::Bold));
        let size = (style.size() / LINE_OF_EM) as f32;
        let (glyphs, width) = set(text, face, size);
        let left = match style.anchor().h_pos {
            HPos::Left => x as f32,
            HPos::Center => x as f32 - width / 2.0,
            HPos::Right => x as f32 - width,
        };
        // Half the height of an x below the point, as the SVGs have it.
        let baseline = y as f32 + HALF_EX * size;
        let ink = style.color();
        for mut glyph in glyphs {
            glyph.position = point(left + glyph.position.x, baseline);
            let Some(outline) = face.outline_glyph(glyph) else { continue };
            let corner = outline.px_bounds().min;
            let mut drawn = Ok(());
            outline.draw(|right, down, cover| {
                let at = (corner.x as i32 + right as i32, corner.y as i32 + down as i32);
                let alpha = ink.alpha * f64::from(cover.min(1.0));
                if drawn.is_ok() && alpha > 0.0 {
                    drawn = self.0.draw_pixel(at, BackendColor { alpha, ..ink });
                }
            });
            drawn?;
        }
        Ok(())
    }
}

/// Half the height of an x, in ems.
const HALF_EX: f32 = 0.273;

#[cfg(test)]
mod tests {
    use super::{cut, distinct, width, wrap};

    #[test]
    fn names_that_begin_alike_are_told_apart_by_their_ends() {
        let names = ["azure-gpt-4o-westeurope-1", "azure-gpt-4o-westeurope-2", "eu"];
        let short = distinct(&names, 12.0, true, 90.0);
        assert!(short[0].starts_with("az") && short[0].ends_with("-1"), "{short:?}");
        assert!(short[1].ends_with("-2") && short[2] == "eu", "{short:?}");
        assert!(short.iter().all(|name| width(name, 12.0, true) <= 90.0), "{short:?}");
    }

    #[test]
    fn a_text_breaks_between_words_and_loses_none() {
        let text = "requests per second, in bins of 1 s: offered by intended send time";
        let lines = wrap(text, 12.0, false, 150.0);
        assert!(lines.len() > 2 && lines.iter().all(|line| width(line, 12.0, false) <= 150.0));
        assert_eq!(lines.join(" "), text);
    }

    #[test]
    fn a_text_that_is_too_wide_ends_in_an_ellipsis_and_fits() {
        assert_eq!(cut("eu", 12.0, false, 100.0), "eu");
        let short = cut("a-deployment-with-a-long-name", 12.0, false, 100.0);
        assert!(short.ends_with('…') && short.starts_with("a-deploy"), "{short}");
        assert!(width(&short, 12.0, false) <= 100.0);
        assert_eq!(cut("eu", 12.0, false, 0.0), "");
    }

    #[test]
    fn a_text_is_as_wide_as_its_letters_and_grows_with_its_size() {
        let small = width("throttled", 12.0, false);
        assert!((45.0..65.0).contains(&small), "{small}");
        assert!((width("throttled", 24.0, false) - 2.0 * small).abs() < 0.01);
        assert!(width("throttled", 12.0, true) > small);
        assert!(width("", 12.0, false).abs() < f64::EPSILON);
    }
}
