"""Batches of the image files that a pandas data frame names."""
from __future__ import annotations

import os
from typing import Any

import numpy as np

from ....compiler.site import warn
from ...utils.progbar import print_message
from .iterators import FORMATS, BatchFromFilesMixin

UNCLASSED = ("input", "multi_output", "raw", None)


class DataFrameIterator(BatchFromFilesMixin):
    """Batches of the files in column `x_col` (below `directory`, if given) with the labels in `y_col`.

    `class_mode`: "categorical" (one-hot; a row may have several classes), "binary" or "sparse" (numbers), "raw" (the
    values), "multi_output" (a list of columns), "input" (the images) or None. Rows without a file are left out unless
    `validate_filenames` is False. Raises ValueError and TypeError for columns that do not fit.
    """

    allowed_class_modes = {"binary", "categorical", "input", "multi_output", "raw", "sparse", None}

    def __init__(self, dataframe: Any, directory: Any = None, image_data_generator: Any = None,
                 x_col: str = "filename", y_col: Any = "class", weight_col: str | None = None,
                 target_size: Any = (256, 256), color_mode: str = "rgb", classes: Any = None,
                 class_mode: str | None = "categorical", batch_size: int = 32, shuffle: bool = True,
                 seed: int | None = None, data_format: str | None = "channels_last", save_to_dir: Any = None,
                 save_prefix: str = "", save_format: str = "png", subset: str | None = None,
                 interpolation: str = "nearest", keep_aspect_ratio: bool = False, dtype: Any = "float32",
                 validate_filenames: bool = True):
        self.set_processing_attrs(image_data_generator, target_size, color_mode, data_format, save_to_dir, save_prefix,
                                  save_format, subset, interpolation, keep_aspect_ratio)
        self.directory, self.class_mode, self.dtype = directory or "", class_mode, dtype
        frame = dataframe.copy()
        self._check(frame, x_col, y_col, weight_col, classes)
        if validate_filenames:
            frame = self._with_files(frame, x_col)
        if class_mode not in UNCLASSED:
            frame, classes = _with_classes(frame, y_col, classes)
            self.class_indices = {name: i for i, name in enumerate(classes)}
        frame = frame.iloc[self.chosen(len(frame))]
        if class_mode not in UNCLASSED:
            self.classes = [[self.class_indices[n] for n in label] if isinstance(label, (list, tuple)) else
                            self.class_indices[label] for label in frame[y_col]]
        elif class_mode == "multi_output":
            self._targets = [np.array(frame[column].tolist()) for column in y_col]
        elif class_mode == "raw":
            self._targets = frame[y_col].values
        self.filenames = frame[x_col].tolist()
        self._sample_weight = frame[weight_col].values if weight_col else None
        self.samples = len(self.filenames)
        self._filepaths = [os.path.join(self.directory, name) for name in self.filenames]
        print_message(f"Found {self.samples} {'' if validate_filenames else 'non-'}validated image filenames"
                      f"{'' if class_mode in UNCLASSED else f' belonging to {len(classes)} classes'}.")
        super().__init__(self.samples, batch_size, shuffle, seed)

    def _check(self, frame: Any, x_col: str, y_col: Any, weight_col: str | None, classes: Any) -> None:
        mode = self.class_mode
        if mode not in self.allowed_class_modes:
            raise ValueError(f"Invalid class_mode: {mode}; expected one of: {self.allowed_class_modes}")
        if mode == "multi_output" and not isinstance(y_col, list):
            raise TypeError(f'If class_mode="{mode}", y_col must be a list. Received {type(y_col).__name__}.')
        if not all(isinstance(name, str) for name in frame[x_col]):
            raise TypeError(f"All values in column x_col={x_col} must be strings.")
        kinds = {"binary": (str,), "sparse": (str,), "categorical": (str, list, tuple)}.get(mode or "")
        if kinds and not all(isinstance(label, kinds) for label in frame[y_col]):
            raise TypeError(f'If class_mode="{mode}", y_col="{y_col}" column values must be '
                            f"{'strings' if len(kinds) == 1 else 'type string, list or tuple'}.")
        if mode == "binary" and (found := len(set(classes or frame[y_col]))) != 2:
            raise ValueError(f'If class_mode="binary" there must be 2 classes. {found} class/es were '
                             f"{'given' if classes else 'found'}.")
        if classes and mode in UNCLASSED:
            warn(f'`classes` will be ignored given the class_mode="{mode}"')
        if weight_col and not issubclass(frame[weight_col].dtype.type, np.number):
            raise TypeError(f"Column weight_col={weight_col} must be numeric.")

    def _with_files(self, frame: Any, x_col: str) -> Any:
        paths = [os.path.join(self.directory, name) for name in frame[x_col]]
        valid = np.array([p.lower().endswith(FORMATS) and os.path.isfile(p) for p in paths], bool)
        if not valid.all():
            warn(f'Found {(~valid).sum()} invalid image filename(s) in x_col="{x_col}". These filename(s) '
                 "will be ignored.")
        return frame[valid]


def _with_classes(frame: Any, y_col: str, classes: Any) -> tuple[Any, list[Any]]:
    """(the rows that have one of the classes, the classes in order): without `classes`, all there are."""
    wanted = set(classes or ())
    if not wanted:
        for label in frame[y_col]:
            wanted.update(label if isinstance(label, (list, tuple)) else [label])
        return frame.dropna(subset=[y_col]), sorted(wanted)

    def kept(label: Any) -> Any:
        if isinstance(label, (list, tuple)):
            return [name for name in label if name in wanted] or None
        return label if label in wanted else None

    frame = frame.copy()
    frame[y_col] = frame[y_col].apply(kept)
    return frame.dropna(subset=[y_col]), sorted(wanted)
