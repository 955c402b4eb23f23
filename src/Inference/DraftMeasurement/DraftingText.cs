namespace AsArm.Inference.DraftMeasurement;

/// <summary>A held-out text to measure drafts on.</summary>
/// <param name="Name">Name for error messages.</param>
/// <param name="Documents">Its documents; a passage never spans two of them.</param>
internal sealed record DraftingText(string Name, IReadOnlyList<string> Documents);
