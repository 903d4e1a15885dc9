@_exported public import Pruners
@_exported public import Samplers
@_exported public import StudyModel
