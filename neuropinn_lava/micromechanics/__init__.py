"""Linear elastic micromechanics: phases, cells with inclusions, finite elements, effective stiffness, stresses of any outputs.

Strains and stresses are written in the order xx, yy, zz, yz, xz, xy, strains with the engineering shear gamma = 2 epsilon.
"""
