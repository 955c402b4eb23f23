using System.Text.Json.Serialization;

namespace AsArm.Inference.ModelFolders;

/// <summary>
/// The forward-pass overhead in tokens: what a pass costs beside the tokens that it processes, in units of one such token. Positions to
/// encode and positions to predict count alike; a draft token is one of each.
/// </summary>
/// <param name="Alone">Of a pass of one sequence.</param>
/// <param name="Batch">
/// Of a pass of 16 sequences, of which all process as many tokens, in tokens of each sequence.
/// </param>
public sealed record PassOverhead([property: JsonRequired] double Alone, [property: JsonRequired] double Batch);
