namespace AsArm.Inference.DraftMeasurement;

/// <summary>A held-out text to measure drafts on.</summary>
/// <param name="Name">For messages.</param>
/// <param name="Documents">Its documents; what passages are cut from.</param>
public sealed record DraftingText(string Name, IReadOnlyList<string> Documents);
