"""Does a model read the overlays or the crop? Probes that see no lesion, scans with a part blanked, uncleaned copies.

``views`` says what a probe sees, ``probe`` fits it, ``model`` asks the trained models, ``originals`` finds what a clean
scan was made from, ``study`` puts all together, ``page`` and ``terminal`` show it. Why a model that reads what is drawn
over the tissue is the paper's reason to clean: Ellis et al. 2024, doi 10.1109/CVPRW63382.2024.00524. Importing this
package loads nothing heavy.
"""
