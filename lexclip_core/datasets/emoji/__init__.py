"""Emoji as pictures of concepts: about 1,500 things in four drawing styles, one of them never trained on."""
