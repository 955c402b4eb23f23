using System.Text.Json.Serialization;

namespace AsArm.Inference.ModelFolders;

/// <summary>
/// The forward-pass overhead: the cost of a pass that does not depend on what it processes, in units of one processed token. Content
/// positions and query positions count alike; a draft token needs one of each.
/// </summary>
/// <param name="Alone">Overhead of a pass of one sequence.</param>
/// <param name="Batch">Overhead of a pass of 16 sequences that process the same number of tokens, in tokens of each sequence.</param>
internal sealed record PassOverhead([property: JsonRequired] double Alone, [property: JsonRequired] double Batch);
