using AsArm.Inference.Text;

namespace AsArm.Inference.Tests.Tokenization;

/// <summary>A way to encode that was recorded.</summary>
/// <param name="Name">For messages.</param>
/// <param name="Open">The tokenizer.</param>
/// <param name="IsContinuation">Whether texts go on after another token instead of starting a sequence.</param>
internal sealed record TokenizerSetting(string Name, Func<InfillTokenizer> Open, bool IsContinuation = false);
