using AsArm.Inference.Text;

namespace AsArm.Inference.Tests.Tokenization;

/// <summary>A recorded setting of a tokenizer.</summary>
/// <param name="Name">Name for messages.</param>
/// <param name="Open">Opens the tokenizer.</param>
/// <param name="IsContinuation">Whether texts follow another token instead of starting a sequence.</param>
internal sealed record TokenizerSetting(string Name, Func<InfillTokenizer> Open, bool IsContinuation = false);
