"""Colours of the presenter, RGB 0..255."""

SKIN_MID = (236, 186, 158)
SKIN_LIGHT = (253, 224, 201)
SKIN_SHADOW = (192, 122, 102)
BLUSH = (228, 120, 108)
HAIR_RAMP = ((18, 10, 12), (42, 23, 22), (72, 40, 34), (106, 62, 47), (144, 90, 65), (190, 138, 102), (236, 196, 158))
"""From the deepest shadow of the hair to its brightest shine."""
BROW = (84, 52, 42)
JACKET = (38, 52, 82)
JACKET_DARK = (66, 76, 106)
JACKET_LIGHT = (150, 176, 216)
BLOUSE = (242, 236, 229)
GOLD = (226, 182, 110)
