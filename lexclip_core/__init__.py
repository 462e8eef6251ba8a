"""A workbench to see, measure and repair how CLIP text encoders treat words.

words -> synsets -> targets -> pairs -> losses -> towers -> training -> evaluation -> geometry -> figures
"""
