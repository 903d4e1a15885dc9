@_exported public import Analysis
@_exported public import JSON
@_exported public import Plotting
@_exported public import Pruners
@_exported public import Samplers
@_exported public import Stores
@_exported public import StudyModel
