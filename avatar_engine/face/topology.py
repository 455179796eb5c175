"""Which of MediaPipe's 478 points is what. Left and right are those of the picture."""

from __future__ import annotations

POINTS = 478

EYE_CORNERS = (33, 263)
"""Outer corners of both eyes."""
LEFT_EYE = (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7)
RIGHT_EYE = (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249)

LIP_CORNERS = (61, 291)
OUTER_LIP_TOP, OUTER_LIP_BOTTOM = 0, 17
INNER_LIP_TOPS = (82, 13, 312)
INNER_LIP_BOTTOMS = (87, 14, 317)
INNER_LIP_CORNERS = (78, 308)
OUTER_LIPS = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
INNER_LIPS = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95)

NOSE_BRIDGE = (168, 6, 197, 195, 5)
"""From between the eyes down to above the tip."""
CHIN = 152
FACE_OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
LEFT_JAW_TOP, RIGHT_JAW_TOP = (127, 234), (356, 454)
"""The two points of each side between which the 110-point contour has its points 1 and 31."""
